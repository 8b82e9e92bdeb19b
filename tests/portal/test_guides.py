"""Markdown pages: rendered, linked, and inert whatever they have."""

from __future__ import annotations

import re

import pytest

from gateway.portal.guides import GuideSource, guides

PLAIN = """\
# Getting *started*

Read [the limits](limits.md#Fair-use), [the list](/portal/apis) or [the site](https://a.example/x).

# Again

## Keys & more

## Keys & more

| a | b |
|---|--:|
| 1 | 2 |

```sh
curl "https://x" <in
```
"""


def page(text: str, name: str = "start") -> str:
    return str(guides([GuideSource(name, f"docs/{name}.md", text)])[0].html)


def test_a_page_has_its_first_heading_for_a_title() -> None:
    found = guides([GuideSource("start", "docs/start.md", PLAIN), GuideSource("none", "none.md", "Words.")])
    assert [one.title for one in found] == ["Getting started", "none"]
    html = str(found[0].html)
    assert "<h1" not in html
    assert re.findall(r"<(h\d) id=\"(.*?)\">", html) == [
        ("h2", "h-again"),
        ("h3", "h-keys-more"),
        ("h3", "h-keys-more-2"),
    ]
    assert html.count("</h2>") == 1
    assert html.count("</h3>") == 2


def test_links_lead_to_the_other_pages_by_their_files() -> None:
    sources = [
        GuideSource("start", "docs/start.md", PLAIN),
        GuideSource(
            "limits", "docs/limits.md", "[back](./start.md) [here](#fair) [up](../other/odd%20one.md)"
        ),
        GuideSource("odd-one", "other/odd one.md", "[x](../docs/limits.md) [gone](gone.md)"),
    ]
    start, limits, odd = (str(one.html) for one in guides(sources))
    assert 'href="/portal/pages/limits#h-fair-use"' in start
    assert 'href="/portal/apis"' in start
    assert '<a href="https://a.example/x" rel="noreferrer">' in start
    assert re.findall('href="(.*?)"', limits) == ["/portal/pages/start", "#h-fair", "/portal/pages/odd-one"]
    assert re.findall('href="(.*?)"', odd) == ["/portal/pages/limits", "gone.md"]


def test_tables_and_code_have_no_inline_style_and_can_be_scrolled() -> None:
    html = page(PLAIN)
    assert "style=" not in html
    assert '<td class="right">2</td>' in html
    assert '<pre class="code" tabindex="0"><code>curl &quot;https://x&quot; &lt;in\n</code></pre>' in html


@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script>",
        "a <img src=x onerror=alert(1)> b",
        "<iframe src='//evil'></iframe>\n\n<!-- c --><style>*{}</style>",
        "[x](javascript:alert(1))",
        "[x](JaVaScRiPt&#58;alert(1))",
        "[x](data:text/html,<script>alert(1)</script>)",
        "[x](vbscript:x) <javascript:alert(1)>",
        "![x](javascript:alert(1)) ![y](data:image/svg+xml,<svg/onload=alert(1)>) ![z](x.png)",
        '[x](https://a.example/"onmouseover="alert(1) "t\\" onclick=x")',
        '!["><script>](https://a.example/"onerror="x)',
        "```<script>\n</code></pre><script>\n```",
        '# <script>x</script>\n\n## "><script>x</script>',
        "[x]: javascript:alert(1)\n\n[x]",
        "[x](//[bad) [y](\x00) [z](ftp://a.example/x)",
    ],
)
def test_nothing_of_a_page_runs(text: str) -> None:
    html = page(text)
    tags = re.findall(r"<(\w+)([^>]*)>", html)
    assert {tag for tag, _ in tags} <= {"p", "a", "h2", "pre", "code"}
    for _, attributes in tags:
        names = set(re.findall(r"([\w-]+)=\"[^\"]*\"", attributes))
        assert names <= {"href", "rel", "id", "class", "tabindex"}
    for target in re.findall(r'href="([^"]*)"', html):
        assert re.match(r"https?://|/|#|[\w.%-]*$|//", target), target


def test_a_deep_or_odd_page_is_rendered_in_time() -> None:
    for text in ("> " * 5000 + "x", "[" * 5000, "*a _b " * 3000, "`" * 3000, "| a " * 2000, "# " * 2000, ""):
        assert isinstance(page(text), str)


def test_only_images_of_the_operator_are_shown() -> None:
    text = "![a <flow>](./img/flow%20one.png) ![x](../img/flow%20one.png) ![y](img/none.png) ![z](https://a.example/b.png)"
    images = {"docs/img/flow one.png": "/portal/pages/images/1.png"}
    html = str(guides([GuideSource("start", "docs/start.md", text)], images)[0].html)
    assert html.count("<img") == 1
    assert '<img src="/portal/pages/images/1.png" alt="a &lt;flow&gt;" loading="lazy"> x y ' in html
    assert '<a href="https://a.example/b.png" rel="noreferrer">z</a>' in html
