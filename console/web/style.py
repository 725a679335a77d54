"""The one style sheet of the public pages, inside each page, and the headers that allow nothing else."""

import base64
import hashlib

# Colours: text on its ground is at least 7:1, large text and borders 4.5:1 (WCAG 2.2). Sizes follow the reader's.
SHEET = """
:root { color-scheme: light; }
* { box-sizing: border-box; }
body { margin: 0; font: 1.0625rem/1.6 system-ui, "Noto Sans", "Liberation Sans", sans-serif;
  color: #1b1f24; background: #f4f5f7; }
a { color: #0b4a8f; }
a:focus-visible, button:focus-visible, input:focus-visible { outline: 3px solid #e0a100; outline-offset: 2px; }
.skip { position: absolute; left: -999rem; }
.skip:focus { left: 1rem; top: 1rem; background: #fff; padding: .5rem 1rem; }
header, footer { background: #fff; border-bottom: 1px solid #d5d9df; }
footer { border: 0; border-top: 1px solid #d5d9df; margin-top: 2.5rem; color: #434b55; font-size: 1rem; }
.inside { max-width: 46rem; margin: 0 auto; padding: .75rem 1rem; }
header .inside { display: flex; gap: 1rem; justify-content: space-between; align-items: baseline; }
.name { font-weight: 700; color: #8a1c12; text-decoration: none; }
main { max-width: 46rem; margin: 0 auto; padding: .5rem 1rem 0; }
h1 { font-size: 1.6rem; line-height: 1.25; margin: 1.25rem 0 .75rem; }
h2 { font-size: 1.2rem; margin: 0 0 .5rem; }
p { margin: .5rem 0; }
.card { background: #fff; border: 1px solid #d5d9df; border-radius: .5rem; padding: 1rem 1.25rem; margin: 1rem 0; }
.card > :last-child { margin-bottom: 0; }
.status { border-left: .5rem solid #565f6a; }
.status p.said { font-size: 1.35rem; line-height: 1.35; font-weight: 600; margin: 0; }
.status .word { display: block; font-size: 1rem; font-weight: 700; letter-spacing: .04em; margin-bottom: .25rem; }
.valid { border-left-color: #12633a; } .valid .word { color: #0d5230; }
.invalid { border-left-color: #a51d12; } .invalid .word { color: #8a1c12; }
.unchecked .word { color: #434b55; }
.demo { background: #fff6da; border: 1px solid #b98500; border-radius: .5rem; padding: .75rem 1.25rem;
  margin: 1rem 0; }
dl { margin: 0; display: grid; grid-template-columns: minmax(9rem, 14rem) 1fr; gap: .35rem 1rem; }
dt { color: #434b55; } dd { margin: 0; font-weight: 600; overflow-wrap: anywhere; }
label { display: block; font-weight: 600; margin-bottom: .25rem; }
.hint { color: #434b55; font-size: 1rem; margin: 0 0 .5rem; }
input[type=text], input[type=file] { font: inherit; width: 100%; padding: .6rem .7rem; border: 1px solid #565f6a;
  border-radius: .375rem; background: #fff; color: inherit; }
button { font: inherit; font-weight: 600; margin-top: .75rem; padding: .6rem 1.25rem; min-height: 2.75rem;
  border: 0; border-radius: .375rem; background: #0b4a8f; color: #fff; cursor: pointer; }
.mono { font-family: ui-monospace, "Liberation Mono", monospace; font-weight: 600; }
@media (max-width: 30rem) {
  dl { grid-template-columns: 1fr; gap: 0; } dd { margin-bottom: .6rem; }
  button { width: 100%; }
}
@media print { header, footer, form { display: none; } body { background: #fff; } }
"""

_DIGEST = base64.b64encode(hashlib.sha256(SHEET.encode()).digest()).decode()

HEADERS = {
    "Content-Security-Policy": (
        f"default-src 'none'; style-src 'sha256-{_DIGEST}'; form-action 'self'; base-uri 'none'; "
        "frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Cache-Control": "no-store",
    "X-Robots-Tag": "noindex",
}
