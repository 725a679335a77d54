#!/usr/bin/env bash
# From generated scans (and the real decree where it is at hand) to a certified copy, verified, revoked and verified
# again; prints every command.
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

# Runs a command that must end with the exit code given.
run_to() {
  local expected=$1 code=0
  shift
  run "$@" || code=$?
  echo "(mã thoát $code)"
  [ "$code" = "$expected" ]
}

first_record() { .venv/bin/python -c 'import json, sys; print(json.load(sys.stdin)["records"][-1]["record"])'; }

run "$sohoa" --home "$home" record list
record=$("$sohoa" --home "$home" record list --json | first_record)
run "$sohoa" --home "$home" record export "$record" -o "$folder/package.zip"

# Typed with tones only the same word is found, typed without them every word of these letters.
run "$sohoa" --home "$home" search "giấy phép" --limit 5
run "$sohoa" --home "$home" search "giay phep" --limit 5

run "$sohoa" --home "$home" copy issue "$record" --for "Sở Tư pháp" --purpose "Giải quyết hồ sơ mới" \
  --dossier "MCDT:000.00.19.H99-261124-0001" -o "$folder/copy.pdf"
serial=$("$sohoa" --home "$home" copy list --state done --limit 1 --json |
  .venv/bin/python -c 'import json, sys; print(json.load(sys.stdin)["requests"][0]["copy"]["serial"])')
run_to 0 "$sohoa" --home "$home" verify "$folder/copy.pdf"
echo
echo "Ở cơ quan khác, chỉ có chứng thư gốc, không có sổ đăng ký:"
run_to 4 "$sohoa" --home "$folder/elsewhere" verify "$folder/copy.pdf" --root "$home/keys/root.pem"
run "$sohoa" --home "$home" copy revoke "$serial" --reason "Trình diễn thu hồi"
run_to 3 "$sohoa" --home "$home" verify "$folder/copy.pdf"
run "$sohoa" --home "$home" doctor
echo
echo "Kho trình diễn: $home · biên nhận: $folder/receipt-*.pdf · gói lưu trữ: $folder/package.zip · bản sao: $folder/copy.pdf"
echo
echo "Chạy thử dịch vụ, rồi mở http://127.0.0.1:8000/v/$serial:"
echo "  ${sohoa#.venv/bin/} --home $home serve"
