"""Pictures of archived pages, made in the jail from pixels alone."""

import base64

from ocr.errors import PageUndecodable
from ocr.options import ReadingOptions
from search_api import reading
from search_api.reading import Access
from search_api.services import Services

PICTURE_SECONDS = 30.0


def picture_of(services: Services, access: Access, page_number: int, dpi: int) -> bytes:
    """Return a JPEG of a page, its access event committed first.

    Raises NotFound, PurposeNeeded, StoreUnavailable, PageTimedOut, PageUndecodable.
    """
    with reading.opened(services, access, page=page_number) as (_, package):
        facts = reading.page_of(package.content().pages, page_number, access.name)
        path, index = reading.page_file(services, package, facts)
    try:
        packed = services.jail.call(
            "ocr.shown:show_in_jail",
            {"index": index, "dpi": dpi, "options": ReadingOptions().to_json()},
            seconds=PICTURE_SECONDS,
            files={"path": path},
        )
    finally:
        path.unlink()
    if not isinstance(packed, str):
        raise PageUndecodable("the picture was not made")
    return base64.b64decode(packed)
