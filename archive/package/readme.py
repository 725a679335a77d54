"""The text in every package that lets a stranger read it without our program."""

README_TEXT = """\
GÓI LƯU TRỮ (AIP) - ARCHIVE PACKAGE (AIP)
==========================================

TIẾNG VIỆT

Tệp ZIP này là một gói lưu trữ: mọi tệp bên trong được lưu nguyên, không nén, trong một thư mục duy nhất mang
tên OBJID của gói. Chỉ cần một chương trình giải nén và một chương trình xem PDF là đọc được.

METS.xml
    Mục lục của gói (METS 1.12, theo E-ARK CSIP): mỗi tệp một dòng, với độ dài và mã băm SHA-256.
    Mỗi thư mục representations/rep1, rep2 có METS.xml riêng cho các tệp của nó.
metadata/descriptive/EAD.xml
    Mô tả hồ sơ lưu trữ (EAD 3); các trường mang tên theo quy định của Nhà nước về dữ liệu chủ của hồ sơ.
metadata/preservation/PREMIS.xml
    Việc đã làm với tài liệu, do ai, khi nào; quyền sử dụng và thời hạn bảo quản (PREMIS 3).
metadata/other/catalogue.json
    Toàn bộ những gì danh mục biết về tài liệu, dạng JSON (RFC 8785). Thông tin cá nhân được mã hóa
    (AES-256-GCM); chỉ cơ quan lưu trữ giữ khóa mới đọc được.
representations/rep1/data/archived/part-001.pdf
    Bản số hóa PDF/A có lớp chữ tìm được và chữ ký số. Những byte đầu, với độ dài ghi ở trường
    rendition_length của catalogue.json, là bản chưa ký.
representations/rep1/data/text/page-00001.xml
    Chữ đọc được của từng trang và vị trí từng từ (ALTO). Trang không đọc được thì không có tệp.
representations/rep1/metadata/descriptive/EAD_doc_1.xml
    Mô tả tài liệu (EAD 3).
representations/rep2/data/received/
    Tệp quét gốc như khi nhận, không đổi một byte; tên tệp là mã băm SHA-256 của chính nó.

Gói bổ sung (RECORDSTATUS="SUPPLEMENT") không có representations; catalogue.json của nó nêu một điều mới về
gói có mã băm ghi ở trường parent_sha256.

Kiểm tra bằng tay: giải nén, chạy sha256sum trên từng tệp, so với CHECKSUM trong METS.xml.


ENGLISH

This ZIP file is one archive package: every file in it is stored as it is, not compressed, in one folder named
by the package's OBJID. An unzip program and a PDF viewer are enough to read it.

METS.xml
    The package's table of contents (METS 1.12 as E-ARK CSIP uses it): each file with its size and SHA-256.
    Each of representations/rep1 and rep2 has a METS.xml of its own for the files below it.
metadata/descriptive/EAD.xml
    The archival file described (EAD 3), with the field names of the national rules on archive master data.
metadata/preservation/PREMIS.xml
    What was done, by whom and when; terms of use and of retention (PREMIS 3).
metadata/other/catalogue.json
    Everything the catalogue knows of the record, as JSON (RFC 8785). Personal text is encrypted (AES-256-GCM);
    only the archive that holds the keys can read it.
representations/rep1/data/archived/part-001.pdf
    The digitised PDF/A with searchable text and digital signatures. Its first bytes, as many as
    rendition_length in catalogue.json says, are the file before it was signed.
representations/rep1/data/text/page-00001.xml
    The text read on each page with the place of each word (ALTO). A page that could not be read has none.
representations/rep1/metadata/descriptive/EAD_doc_1.xml
    The document described (EAD 3).
representations/rep2/data/received/
    The scans as they were received, not a byte changed; a file's name is its own SHA-256.

A supplement (RECORDSTATUS="SUPPLEMENT") says one new thing about the package whose SHA-256 stands in
parent_sha256, in its catalogue.json. One about the text has the texts of a later reading in rep1; no other
has representations.

To check by hand: unzip, run sha256sum on each file, compare with CHECKSUM in METS.xml.


NAMESPACES AND VERSIONS - KHÔNG GIAN TÊN VÀ PHIÊN BẢN

METS 1.12               http://www.loc.gov/METS/
E-ARK CSIP extension    https://DILCIS.eu/XML/METS/CSIPExtensionMETS
PREMIS 3.0              http://www.loc.gov/premis/v3
EAD 3                   http://ead3.archivists.org/schema/
ALTO 4                  http://www.loc.gov/standards/alto/ns-v4#
PDF/A-2b                ISO 19005-2
"""
