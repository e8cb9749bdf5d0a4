import type { Brand, BrandPictureField } from '../branding/brand.ts'
import { type Picture, pictureName } from '../kernel/picture.ts'
import { type StaticFile, staticFile } from './static.ts'

/** What every page shows of the operator. Files are paths of this service. */
export type PageBrand = Pick<Brand, 'supportEmail' | 'privacyUrl' | 'termsUrl' | 'formText'> & {
  readonly name: string
  readonly stylesheet: string | null
  readonly logo: string | null
  /** For dark pages; `null`: the same one. */
  readonly logoDark: string | null
  readonly favicon: Pick<StaticFile, 'path' | 'contentType'> | null
}

const product = 'Vinculum'

export const plainPageBrand: PageBrand = {
  name: product,
  stylesheet: null,
  logo: null,
  logoDark: null,
  favicon: null,
  supportEmail: null,
  privacyUrl: null,
  termsUrl: null,
  formText: { en: null, 'pt-BR': null },
}

/** How many files of earlier brands are still served: pages in open tabs, and nodes that are a second behind. */
const keptFiles = 24

/** What pages show of the current brand, prepared once for each brand. */
export function createPageBrand(current: () => Brand, publicUrl: URL) {
  let brand: Brand | undefined
  let page = plainPageBrand
  const files = new Map<string, StaticFile>()
  const prepare = (): void => {
    const now = current()
    if (now === brand) return
    brand = now
    const prepared = pageBrandOf(now, publicUrl)
    page = prepared.page
    for (const file of prepared.files) {
      files.delete(file.path)
      files.set(file.path, file)
    }
    for (const path of files.keys()) if (files.size > keptFiles) files.delete(path)
  }
  return {
    page: (): PageBrand => {
      prepare()
      return page
    },
    file: (path: string): StaticFile | undefined => {
      if (!path.startsWith('/static/')) return undefined
      prepare()
      return files.get(path)
    },
  }
}

/** The file of a picture. */
const pictureFile = (name: string, picture: Picture): StaticFile =>
  staticFile(`${name}.${pictureName(picture).split('.')[1]}`, picture.contentType, picture.body)

/** The files of the pictures of a brand. */
export const brandFiles = ({ logo, logoDark, favicon }: Pick<Brand, BrandPictureField>) => ({
  logo: logo && pictureFile('logo', logo),
  logoDark: logoDark && pictureFile('logo-dark', logoDark),
  favicon: favicon && pictureFile('favicon', favicon),
})

const applicationLogo = 'application-logo'
/** The path of the logo of an application; `null` if it has none. */
export const applicationLogoPath = (logo: string | null): string | null => logo && `/static/${applicationLogo}.${logo}`

/** The hash in the path of the logo of an application; `undefined` for any other path. */
export const applicationLogoHash = (path: string): string | undefined =>
  /^\/static\/application-logo\.([0-9a-f]{16})\.(?:png|svg)$/.exec(path)?.[1]

/** The file of the logo of an application. */
export const applicationLogoFile = (picture: Picture): StaticFile => pictureFile(applicationLogo, picture)

/** What pages show of a brand, and the files it needs: its colors and its pictures. */
export function pageBrandOf(
  { name, accent, supportEmail, privacyUrl, termsUrl, formText, ...pictures }: Brand,
  publicUrl: URL,
): { readonly page: PageBrand; readonly files: readonly StaticFile[] } {
  const style = accent && staticFile('brand.css', 'text/css; charset=utf-8', colorsOf(accent))
  const { logo, logoDark, favicon } = brandFiles(pictures)
  return {
    page: {
      name: name ?? nameOf(publicUrl),
      stylesheet: style?.path ?? null,
      logo: logo?.path ?? logoDark?.path ?? null,
      logoDark: logo && (logoDark?.path ?? null),
      favicon,
      supportEmail,
      privacyUrl,
      termsUrl,
      formText,
    },
    files: [style, logo, logoDark, favicon].filter((file) => file !== null),
  }
}

/** Without a name, the service is known by its host; where the host says nothing, by the product. */
function nameOf({ hostname }: URL): string {
  const isLocal = hostname === 'localhost' || hostname.endsWith('.localhost') || /^[\d.]+$|^\[/.test(hostname)
  return isLocal ? product : hostname
}

const colorsOf = ({ light, dark }: NonNullable<Brand['accent']>): string =>
  `:root { --accent: ${light.accent}; --on-accent: ${light.onAccent}; --link: ${light.accent}; }
@media (prefers-color-scheme: dark) {
  :root { --accent: ${dark.accent}; --on-accent: ${dark.onAccent}; --link: ${dark.accent}; }
}
`
