import { z } from 'zod'
import type { BrandChange, BrandView, InvalidBrand } from '../../branding/branding.ts'
import { type BrandTextField, brandTextFields, snakeNameOf } from '../../branding/fields.ts'
import { err, ok, type Result } from '../../kernel/result.ts'
import { json } from '../reply.ts'
import { object, route } from '../route.ts'
import { storable } from '../schemas/fields.ts'
import type { Services } from '../services.ts'

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
const BrandingSchema = z
  .object({
    ...each((schema) => schema.nullable()),
    changed: z.array(z.string()).describe('The fields that were set at run time; others come from the environment'),
    accent: z
      .object({ light: Pair, dark: Pair })
      .nullable()
      .describe('The colors that are used, with a contrast of at least 4.5:1; null: the built-in ones'),
  })
  .meta({ id: 'Branding', description: 'How pages and email present the operator' })

function brandingOf({ values, changed, brand: { accent } }: BrandView): z.input<typeof BrandingSchema> {
  const pair = (scheme: 'light' | 'dark') => ({
    accent: accent?.[scheme].accent ?? '',
    on_accent: accent?.[scheme].onAccent ?? '',
  })
  return {
    ...(Object.fromEntries(brandTextFields.map((field) => [apiNameOf(field), values[field]])) as Record<
      FieldName,
      string | null
    >),
    changed: changed.map(apiNameOf),
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
  changed: ['name', 'color'],
  accent: {
    light: { accent: '#1f4f82', on_accent: '#ffffff' },
    dark: { accent: '#6f9bd6', on_accent: '#000000' },
  },
}

const read = route({
  ...common,
  auth: 'user',
  scope: 'settings:read',
  method: 'get',
  summary: 'Get the branding',
  description: 'Returns the name, colors and texts of the service.',
  example: { response: example },
  reply: BrandingSchema,
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
  body: object(each((schema) => schema.nullable().optional())).meta({
    id: 'BrandingChange',
    description: 'The fields to set',
  }),
  reply: BrandingSchema,
  fails: ['invalid_request'],
  handle: async ({ who, body, origin }, { branding }: Services) =>
    answered(await branding.update(who.accountId, changeOf(body), origin)),
})

export const brandingRoutes = [read, update]
