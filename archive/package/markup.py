"""XML as packages use it: built with prefixes, written the same way each time, read without trusting it."""

import re
from collections.abc import Mapping
from datetime import datetime, timedelta, timezone

from lxml import etree

METS_NS = "http://www.loc.gov/METS/"
CSIP_NS = "https://DILCIS.eu/XML/METS/CSIPExtensionMETS"
XLINK_NS = "http://www.w3.org/1999/xlink"
XSI_NS = "http://www.w3.org/2001/XMLSchema-instance"
PREMIS_NS = "http://www.loc.gov/premis/v3"
EAD_NS = "http://ead3.archivists.org/schema/"

DECLARATION = b'<?xml version="1.0" encoding="UTF-8"?>\n'
VIETNAM = timezone(timedelta(hours=7))  # the law's days and hours (STO-2)

_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def element(namespace: str, name: str, prefixes: dict[str | None, str]) -> etree._Element:
    """Return a root element with its namespace prefixes."""
    return etree.Element(f"{{{namespace}}}{name}", nsmap=prefixes)  # type: ignore[arg-type]  # None: no prefix


def child(
    parent: etree._Element, name: str, value: str | None = None, attributes: Mapping[str, str] | None = None
) -> etree._Element:
    """Append an element of the parent's namespace and return it; attributes are written in the order given."""
    made = etree.SubElement(parent, f"{{{etree.QName(parent).namespace}}}{name}")
    for key, one in (attributes or {}).items():
        made.set(key, legal(one))
    if value is not None:
        made.text = legal(value)
    return made


def legal(value: str) -> str:
    """Return text XML can hold: a character it can't becomes U+FFFD; the catalogue keeps the text whole."""
    return _NOT_XML.sub("\ufffd", value)


def write_xml(root: etree._Element) -> bytes:
    """Return a document's bytes, UTF-8, indented, always the same for the same tree."""
    etree.indent(root, space=" ")
    return DECLARATION + etree.tostring(root, encoding="UTF-8", xml_declaration=False) + b"\n"


def local_time(at: datetime) -> str:
    """Return an instant as Vietnamese time to the second, with its +07:00."""
    return at.astimezone(VIETNAM).isoformat(timespec="seconds")
