#!/usr/bin/env bash
# From generated scans (and the real decree where it is at hand) to accepted packages; prints every command.
set -euo pipefail
cd "$(dirname "$0")/.."
folder=${1:-demo}
home="$folder/var"
sohoa=".venv/bin/sohoa"
scans=../shared/data/scans/nd-96-2016.pdf

rm -rf "$folder"
mkdir -p "$folder"

run() {
  echo
  echo "\$ $(printf '%q ' "$@" | sed "s#^.venv/bin/##")"
  "$@"
}

json_field() { .venv/bin/python -c 'import json, sys; print(json.load(sys.stdin)[sys.argv[1]])' "$1"; }

take_in_and_accept() {
  local scans_folder=$1 word=$2 batch
  echo
  echo "\$ sohoa --home $home intake $scans_folder --operator 'Nguyễn Thị Mẫu'"
  batch=$("$sohoa" --home "$home" intake "$scans_folder" --operator "Nguyễn Thị Mẫu" --json | json_field batch)
  run "$sohoa" --home "$home" work --workers 2 --until-idle
  run "$sohoa" --home "$home" batch accept "$batch" --word "$word"
  run "$sohoa" --home "$home" batch receipt "$batch" --pdf "$folder/receipt-$(basename "$scans_folder").pdf"
}

run "$sohoa" --home "$home" init
run "$sohoa" samples make "$folder/scans" --records 20 --seed 1
take_in_and_accept "$folder/scans" "Đã đối chiếu với bản giấy"

if [ -f "$scans" ]; then
  mkdir "$folder/decree"
  cp "$scans" "$folder/decree/"
  cat > "$folder/decree/manifest.csv" <<'CSV'
file,sheets,sides,document_type,code_number,code_notation,issued_on,issuing_body,subject,signer,signer_position,source_form,source_status,retention_class,closed_on,access_mode
nd-96-2016.pdf,50,1,32,96/2016,NĐ-CP,2016-07-01,Chính phủ,"Quy định điều kiện về an ninh, trật tự đối với một số ngành, nghề đầu tư kinh doanh có điều kiện",Nguyễn Xuân Phúc,Thủ tướng,giấy,bản chính,Vĩnh viễn,2016-12-31,Công khai
CSV
  take_in_and_accept "$folder/decree" "Bản quét có chữ ký số của Cổng thông tin, đã đối chiếu"
fi

run "$sohoa" --home "$home" record list
record=$("$sohoa" --home "$home" record list --json | .venv/bin/python -c 'import json, sys; print(json.load(sys.stdin)["records"][0]["record"])')
run "$sohoa" --home "$home" record export "$record" -o "$folder/package.zip"
run "$sohoa" --home "$home" doctor
echo
echo "Kho trình diễn: $home · biên nhận: $folder/receipt-*.pdf · một gói lưu trữ: $folder/package.zip"
