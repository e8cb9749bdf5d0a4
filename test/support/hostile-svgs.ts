const namespaces = 'xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"'

export const svg = (content: string, attributes = ''): string => `<svg ${namespaces}${attributes}>${content}</svg>`

type HostileSvg = {
  readonly name: string
  readonly file: string | Buffer
  /** Why it is refused; `undefined`: it is served without what makes it hostile. */
  readonly reason?: string
}

const outside = 'https://evil.example/x'
const html = 'xmlns="http://www.w3.org/1999/xhtml"'
const tooMany = `<g id="a">${'<path d="M0 0"/>'.repeat(5)}</g>`

/** Files that run, load, link or explode in a viewer that permits it. Scripts set the title of the page. */
export const hostileSvgs: readonly HostileSvg[] = [
  { name: 'a script', file: svg('<script>document.title="ran"</script><g/>') },
  { name: 'a script from elsewhere', file: svg(`<script href="${outside}"/><script xlink:href="${outside}"/>`) },
  { name: 'a script in CDATA', file: svg('<script><![CDATA[document.title="ran"]]></script>') },
  { name: 'a script of HTML', file: svg(`<script ${html}>document.title="ran"</script>`) },
  {
    name: 'a prefixed script',
    file: svg('<s:script xmlns:s="http://www.w3.org/2000/svg">document.title="ran"</s:script>'),
  },
  {
    name: 'a prefixed root',
    file: '<s:svg xmlns:s="http://www.w3.org/2000/svg"><s:script>document.title="ran"</s:script></s:svg>',
    reason: 'not_a_picture',
  },
  { name: 'event handlers', file: svg('<g onclick="a()" onbegin="b()"/>', ' onload="document.title=\'ran\'"') },
  { name: 'an event handler in another case', file: svg('<g ONLOAD="document.title=1" onLoad="document.title=1"/>') },
  { name: 'a handler element', file: svg('<handler xmlns:ev="http://www.w3.org/2001/xml-events" ev:event="load"/>') },
  {
    name: 'foreignObject',
    file: svg(
      `<foreignObject><body ${html}><iframe src="${outside}"/><img src="x" onerror="a()"/></body></foreignObject>`,
    ),
  },
  { name: 'HTML in a description', file: svg(`<desc><p ${html}><img src="${outside}" onerror="a()"/></p></desc>`) },
  { name: 'links', file: svg(`<a href="javascript:a()"><text>x</text></a><a xlink:href="${outside}"><path/></a>`) },
  { name: 'a picture from elsewhere', file: svg(`<image href="${outside}"/><image xlink:href="${outside}"/>`) },
  { name: 'an SVG inside a data URI', file: svg('<image href="data:image/svg+xml,&lt;svg onload=a()&gt;"/>') },
  { name: 'a page inside a data URI', file: svg('<a href="data:text/html,&lt;script&gt;a()&lt;/script&gt;"/>') },
  { name: 'use of another file', file: svg(`<use href="${outside}#a"/><use xlink:href="${outside}#a"/>`) },
  {
    name: 'a color of another file',
    file: svg(`<linearGradient href="${outside}#a"/><rect fill="url(${outside}#b)"/>`),
  },
  { name: 'a filter that loads', file: svg(`<filter><feImage href="${outside}"/></filter>`) },
  { name: 'an import', file: svg(`<style>@import url(${outside});</style><style>@import "${outside}"</style>`) },
  { name: 'a font from elsewhere', file: svg(`<style>@font-face{font-family:a;src:url(${outside})}</style>`) },
  {
    name: 'a URL in a style',
    file: svg(
      `<style>g{fill:url(${outside}#a)}</style><g style="mask:url('${outside}#a')" cursor="url(${outside}),auto"/>`,
    ),
  },
  { name: 'an escaped URL in a style', file: svg('<style>g{fill:\\75 rl(https:/\\/evil.example/x)}</style>') },
  { name: 'an image set', file: svg(`<style>g{background:image-set("${outside}" 1x)}</style>`) },
  {
    name: 'a style that closes itself',
    file: svg('<style>&lt;/style&gt;&lt;script&gt;document.title="ran"&lt;/script&gt;</style>'),
  },
  {
    name: 'animations of links',
    file: svg(
      '<a><animate attributeName="href" values="javascript:a()"/><set attributeName="href" to="javascript:a()"/></a>',
    ),
  },
  { name: 'an animation of a handler', file: svg('<g><set attributeName="onload" to="a()"/><animateMotion/></g>') },
  {
    name: 'a style sheet of its own',
    file: `<?xml-stylesheet href="${outside}"?>${svg('<?xml-stylesheet href="x"?>')}`,
  },
  { name: 'comments', file: svg('<!-- <script>a()</script> --><g/>') },
  { name: 'a base', file: svg('<g/>', ` xml:base="${outside}" href="${outside}"`) },
  { name: 'encoded characters', file: svg('<g on&#x6c;oad="a()"/>'), reason: 'malformed' },
  { name: 'an encoded scheme', file: svg('<a href="java&#x0a;script:a()"/><a xlink:href="&#106;avascript:a()"/>') },
  { name: 'entities', file: `<!DOCTYPE svg [<!ENTITY a "b">]>${svg('<text>&a;</text>')}`, reason: 'entities' },
  {
    name: 'entities that grow',
    file: `<!DOCTYPE svg [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]>${svg('<text>&b;</text>')}`,
    reason: 'entities',
  },
  {
    name: 'an entity of a file',
    file: `<!DOCTYPE svg [<!ENTITY a SYSTEM "file:///etc/passwd">]>${svg('<text>&a;</text>')}`,
    reason: 'entities',
  },
  { name: 'an entity that is not declared', file: svg('<text>&a;</text>'), reason: 'malformed' },
  { name: 'uses that grow', file: svg(`${tooMany}${'<use href="#a"/>'.repeat(50)}`) },
  { name: 'too many elements', file: svg('<g/>'.repeat(12_000)), reason: 'too_complex' },
  {
    name: 'elements nested too deeply',
    file: svg('<g>'.repeat(500) + '</g>'.repeat(500)),
    reason: 'too_complex',
  },
  { name: 'text that is not well-formed', file: svg('<g>'), reason: 'malformed' },
  { name: 'two attributes of one name', file: svg('<g id="a" id="b"/>'), reason: 'malformed' },
  { name: 'no namespace', file: '<svg><g/></svg>', reason: 'not_a_picture' },
  { name: 'another root', file: `<html ${html}>${svg('<g/>')}</html>`, reason: 'not_a_picture' },
  { name: 'UTF-16', file: Buffer.from(`\ufeff${svg('<script>a()</script>')}`, 'utf16le'), reason: 'not_a_picture' },
  {
    name: 'UTF-7',
    file: `<?xml version="1.0" encoding="UTF-7"?>${svg('<text>+ADw-x onload+AD0-a()+AD4-</text>')}`,
  },
  { name: 'bytes that are not UTF-8', file: Buffer.from(svg('<text>\xff</text>'), 'latin1'), reason: 'malformed' },
  { name: 'more than 100 KiB', file: svg(' '.repeat(102_400)), reason: 'too_many_bytes' },
]
