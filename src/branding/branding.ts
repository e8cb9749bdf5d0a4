/**
 * The brand of this node: the settings of the environment, over which administrators set fields at run time. Those are
 * stored once, for all nodes.
 */
import { type AppError, fail } from '../errors/catalogue.ts'
import type { Origin } from '../events/catalogue.ts'
import type { Clock } from '../kernel/clock.ts'
import type { Picture } from '../kernel/picture.ts'
import { err, ok, type Result } from '../kernel/result.ts'
import { createShared } from '../kernel/shared.ts'
import { accentFor } from './accent.ts'
import { type Brand, type BrandPictureField, type BrandSettings, brandPictureFields, type LocalText } from './brand.ts'
import { type BrandFault, type BrandTextField, brandFields, brandTextFields, snakeNameOf } from './fields.ts'
import { checkPicture, type PictureFault } from './picture.ts'
import type { BrandPictures, BrandStore, BrandValues, StoredBrand } from './ports.ts'

export type BrandChange = { readonly [F in BrandTextField]?: string | null | undefined }

/** Invalid input, with all errors by field. */
export type InvalidBrand = AppError<'invalid_request'> & {
  readonly faults: readonly (BrandFault & { readonly field: BrandTextField })[]
}

/** Every field as administrators see it. */
export type BrandView = {
  /** The values in use; `null` for a field without one. */
  readonly values: Readonly<Record<BrandTextField, string | null>>
  /** The fields that were set at run time. */
  readonly changed: readonly BrandTextField[]
  readonly changedPictures: readonly BrandPictureField[]
  readonly brand: Brand
}

type BrandingParts = { store: BrandStore; defaults: BrandSettings; clock: Clock }

export async function createBranding({ store, defaults, clock }: BrandingParts) {
  let version = 0
  let view = await viewOf(defaults, {}, {})

  const use = async (stored: StoredBrand): Promise<void> => {
    const next = await viewOf(defaults, stored.values, stored.pictures)
    // Two reads can overlap: the older one must not win.
    if (stored.version < version) return
    version = stored.version
    view = next
  }
  /** Reads the brand if another node changed it. */
  const load = createShared(async () => {
    if ((await store.version()) > version) await use(await store.read())
  })
  await load()

  return {
    current: (): Brand => view.brand,
    view: (): BrandView => view,
    load,
    /** What the brand would be, without storing it. */
    async preview(change: BrandChange): Promise<Result<BrandView, InvalidBrand>> {
      const checked = check(change)
      if (!checked.ok) return checked
      const { values, pictures } = await store.read()
      return ok(await viewOf(defaults, merged(values, checked.value), pictures))
    },
    /** Sets fields for all nodes. `null` returns a field to the value of the environment. */
    async update(by: string | null, change: BrandChange, origin: Origin): Promise<Result<BrandView, InvalidBrand>> {
      const checked = check(change)
      if (!checked.ok) return checked
      const fields = brandTextFields.filter((field) => checked.value[field] !== undefined).map(snakeNameOf)
      if (fields.length > 0)
        await use(
          await store.change(checked.value, clock(), {
            name: 'branding.updated',
            accountId: null,
            origin,
            data: { fields, by },
          }),
        )
      return ok(view)
    },
    /** Checks an uploaded file. */
    checkPicture,
    /** Sets a picture for all nodes. `null` returns to that of the environment. */
    async setPicture(
      by: string | null,
      field: BrandPictureField,
      file: Buffer | null,
      origin: Origin,
    ): Promise<Result<BrandView, PictureFault>> {
      const read = file === null ? ok<Picture | null>(null) : await checkPicture(file)
      if (!read.ok) return read
      await use(
        await store.setPicture(field, read.value, clock(), {
          name: 'branding.updated',
          accountId: null,
          origin,
          data: { fields: [snakeNameOf(field)], by },
        }),
      )
      return ok(view)
    },
  }
}
export type Branding = Awaited<ReturnType<typeof createBranding>>

/** Reads the given fields. An empty text is none: it returns to the value of the environment. */
function check(change: BrandChange): Result<Readonly<Record<string, string | null>>, InvalidBrand> {
  const faults: InvalidBrand['faults'][number][] = []
  const changes: Record<string, string | null> = {}
  for (const field of brandTextFields) {
    const text = change[field]?.trim()
    if (change[field] === undefined) continue
    const read = text === undefined || text === '' ? ok(null) : brandFields[field](text)
    if (read.ok) changes[field] = read.value
    else faults.push({ ...read.error, field })
  }
  return faults.length > 0 ? err({ ...fail('invalid_request').error, faults }) : ok(changes)
}

const merged = (values: BrandValues, changes: Readonly<Record<string, string | null>>): BrandValues =>
  Object.fromEntries(Object.entries({ ...values, ...changes }).filter((entry): entry is [string, string] => !!entry[1]))

async function viewOf(defaults: BrandSettings, stored: BrandValues, pictures: BrandPictures): Promise<BrandView> {
  const standard: Partial<Record<BrandTextField, string | null>> = {
    name: defaults.name,
    color: defaults.color,
    supportEmail: defaults.supportEmail,
    privacyUrl: defaults.privacyUrl,
    termsUrl: defaults.termsUrl,
  }
  // A value that this version of the service refuses, or an unknown field of a newer one, is not shown.
  const set = (field: BrandTextField): string | undefined => {
    const text = stored[field]
    const read = text === undefined ? undefined : brandFields[field](text)
    return read?.ok ? read.value : undefined
  }
  const values = Object.fromEntries(
    brandTextFields.map((field) => [field, set(field) ?? standard[field] ?? null]),
  ) as BrandView['values']
  const inBoth = (english: string | null, portuguese: string | null): LocalText => ({
    en: english ?? portuguese,
    'pt-BR': portuguese ?? english,
  })
  return {
    values,
    changed: brandTextFields.filter((field) => set(field) !== undefined),
    changedPictures: brandPictureFields.filter((field) => pictures[field] !== undefined),
    brand: {
      name: values.name,
      accent: values.color === null ? null : await accentFor(values.color),
      logo: pictures.logo ?? defaults.logo,
      logoDark: pictures.logoDark ?? defaults.logoDark,
      favicon: pictures.favicon ?? defaults.favicon,
      supportEmail: values.supportEmail,
      privacyUrl: values.privacyUrl,
      termsUrl: values.termsUrl,
      formText: inBoth(values.formText, values.formTextPt),
      mailSender: values.mailSender,
      mailHeader: inBoth(values.mailHeader, values.mailHeaderPt),
      mailFooter: inBoth(values.mailFooter, values.mailFooterPt),
    },
  }
}
