import { z } from 'zod'
import type { BrandPictureField } from '../../branding/brand.ts'
import type { BrandChange, BrandView, InvalidBrand } from '../../branding/branding.ts'
import { type BrandTextField, brandTextFields, snakeNameOf } from '../../branding/fields.ts'
import type { PictureFault } from '../../branding/picture.ts'
import { fail } from '../../errors/catalogue.ts'
import { err, ok, type Result } from '../../kernel/result.ts'
import { brandFiles } from '../brand.ts'
import { json } from '../reply.ts'
import { object, route } from '../route.ts'
import { storable } from '../schemas/fields.ts'
import type { Services } from '../services.ts'
import { pictureBody, pictureField } from '../upload.ts'

const common = { tag: 'Administration', surface: 'api', path: '/branding', limit: 'account' } as const

const text = storable(4096)
/** The fields of a brand, as text. */
export const brandTexts = {
  name: text.describe('The name of the service, on pages and in email'),
  color: text.describe('The accent color, such as `#1f4f82`'),
  support_email: text.describe('Where people get help'),
  privacy_url: text.describe('The privacy policy'),
  terms_url: text.describe('The terms of service'),
  form_text: text.describe('Text below the forms of sign-in pages, in English'),
  form_text_pt: text.describe('The same in Portuguese'),
  mail_sender: text.describe('The name that email is sent under'),
  mail_header: text.describe('Text above every email, in English'),
  mail_header_pt: text.describe('The same in Portuguese'),
  mail_footer: text.describe('Text below every email, in English'),
  mail_footer_pt: text.describe('The same in Portuguese'),
}
type FieldName = keyof typeof brandTexts
export const fieldNames = Object.keys(brandTexts) as readonly FieldName[]

/** The name in the API of a field of ours. */
export const apiNameOf = (field: BrandTextField): FieldName => snakeNameOf(field) as FieldName

const each = <T extends z.ZodType>(of: (schema: typeof text) => T) =>
  Object.fromEntries(Object.entries(brandTexts).map(([name, schema]) => [name, of(schema)])) as {
    [N in FieldName]: T
  }

const Pair = z
  .object({
    accent: z.string().describe('The color of buttons and links'),
    on_accent: z.string().describe('The color of text on a button'),
  })
  .meta({ id: 'AccentPair', description: 'Colors of one color scheme' })
const path = z.string().nullable()
const BrandingSchema = z
  .object({
    ...each((schema) => schema.nullable()),
    logo: path.describe('The path of the logo at this service; null: none'),
    logo_dark: path.describe('The logo on dark pages; null: the same one'),
    favicon: path.describe('What browsers show next to the title of a page'),
    changed: z.array(z.string()).describe('The fields that were set at run time; others come from the environment'),
    accent: z
      .object({ light: Pair, dark: Pair })
      .nullable()
      .describe('The colors that are used, with a contrast of at least 4.5:1; null: the built-in ones'),
  })
  .meta({ id: 'Branding', description: 'How pages and email present the operator' })

function brandingOf({ values, changed, changedPictures, brand }: BrandView): z.input<typeof BrandingSchema> {
  const { accent } = brand
  const { logo, logoDark, favicon } = brandFiles(brand)
  const pair = (scheme: 'light' | 'dark') => ({
    accent: accent?.[scheme].accent ?? '',
    on_accent: accent?.[scheme].onAccent ?? '',
  })
  return {
    ...(Object.fromEntries(brandTextFields.map((field) => [apiNameOf(field), values[field]])) as Record<
      FieldName,
      string | null
    >),
    logo: logo?.path ?? null,
    logo_dark: logoDark?.path ?? null,
    favicon: favicon?.path ?? null,
    changed: [...changed, ...changedPictures].map(snakeNameOf),
    accent: accent && { light: pair('light'), dark: pair('dark') },
  }
}

/** The given fields under our names. */
export const changeOf = (given: { readonly [N in FieldName]?: string | null | undefined }): BrandChange =>
  Object.fromEntries(brandTextFields.map((field) => [field, given[apiNameOf(field)]]))

export const answered = (done: Result<BrandView, InvalidBrand>) => {
  if (done.ok) return ok(json(brandingOf(done.value)))
  const { faults, ...error } = done.error
  return {
    ...err(error),
    faults: faults.map(({ field, reason, limit }) => ({
      path: apiNameOf(field),
      code: reason,
      ...(limit === undefined ? {} : { params: { limit: String(limit) } }),
    })),
  }
}

const example = {
  ...Object.fromEntries(Object.keys(brandTexts).map((name) => [name, null])),
  name: 'Example',
  color: '#1f4f82',
  logo: '/static/logo.5a1bd0a2a0e4e7c5.png',
  logo_dark: null,
  favicon: null,
  changed: ['name', 'color', 'logo'],
  accent: {
    light: { accent: '#1f4f82', on_accent: '#ffffff' },
    dark: { accent: '#6f9bd6', on_accent: '#000000' },
  },
}

const BrandingChange = object(each((schema) => schema.nullable().optional())).meta({
  id: 'BrandingChange',
  description: 'The fields to set',
})

const read = route({
  ...common,
  auth: 'user',
  scope: 'settings:read',
  method: 'get',
  summary: 'Get the branding',
  description: 'Returns the name, colors and texts of the service.',
  example: { response: example },
  reply: () => BrandingSchema,
  fails: [],
  handle: (_given, { branding }: Services) => ok(json(brandingOf(branding.view()))),
})

export const update = route({
  ...common,
  auth: 'recent',
  scope: 'settings:write',
  method: 'patch',
  summary: 'Change the branding',
  description:
    'Sets the given fields for all nodes, within two seconds. Null returns a field to the setting of the environment. Omitted fields stay as they are.',
  example: { request: { name: 'Example', color: '#1f4f82' }, response: example },
  body: BrandingChange,
  reply: () => BrandingSchema,
  fails: ['invalid_request'],
  handle: async ({ who, body, origin }, { branding }: Services) =>
    answered(await branding.update(who.accountId, changeOf(body), origin)),
})

const preview = route({
  ...common,
  auth: 'user',
  scope: 'settings:write',
  method: 'post',
  path: '/branding/preview',
  summary: 'Preview a change of the branding',
  description: 'Returns what the branding would be with the given fields, and with which colors. Nothing is stored.',
  example: { request: { name: 'Example', color: '#1f4f82' }, response: example },
  body: BrandingChange,
  reply: () => BrandingSchema,
  fails: ['invalid_request'],
  handle: async ({ body }, { branding }: Services) => answered(await branding.preview(changeOf(body))),
})

/** The pictures of a brand, by their names in paths. */
export const brandPictures = { logo: 'logo', 'logo-dark': 'logoDark', favicon: 'favicon' } as const satisfies Record<
  string,
  BrandPictureField
>
export const brandPictureNames = Object.keys(brandPictures) as (keyof typeof brandPictures)[]
const pictureParams = object({
  picture: z
    .enum(brandPictureNames)
    .describe('The logo, the logo on dark pages, or the icon next to the title of a page'),
})
const ofPicture = {
  ...common,
  path: '/branding/:picture',
  auth: 'recent',
  scope: 'settings:write',
  params: pictureParams,
} as const

/** Why an uploaded file is refused, for its field. */
export const refusedPicture = ({ reason, limit }: PictureFault) => ({
  ...fail('invalid_request'),
  faults: [{ path: pictureField, code: reason, ...(limit === undefined ? {} : { params: { limit: String(limit) } }) }],
})

export const putPicture = route({
  ...ofPicture,
  method: 'put',
  summary: 'Upload a logo or a favicon',
  description:
    'Shows the picture on the pages of all nodes, within two seconds, in place of that of the environment. It is a PNG of at most 2048 × 2048 pixels, or an SVG, and has at most 100 KiB. Metadata, and whatever in an SVG runs, loads, links or moves, is removed.',
  example: { response: example },
  upload: true,
  body: pictureBody,
  reply: () => BrandingSchema,
  fails: ['invalid_request'],
  async handle({ who, params, body, origin }, { branding }: Services) {
    const done = await branding.setPicture(who.accountId, brandPictures[params.picture], body.picture, origin)
    return done.ok ? ok(json(brandingOf(done.value))) : refusedPicture(done.error)
  },
})

export const removePicture = route({
  ...ofPicture,
  method: 'delete',
  summary: 'Remove an uploaded logo or favicon',
  description: 'Pages show the picture of the environment again, or none. Removing what was not uploaded is no error.',
  example: { response: { ...example, logo: null, changed: ['name', 'color'] } },
  reply: () => BrandingSchema,
  fails: ['invalid_request'],
  async handle({ who, params, origin }, { branding }: Services) {
    const done = await branding.setPicture(who.accountId, brandPictures[params.picture], null, origin)
    return done.ok ? ok(json(brandingOf(done.value))) : refusedPicture(done.error)
  },
})

export const brandingRoutes = [read, update, preview, putPicture, removePicture]
