import type { Fact } from '../events/catalogue.ts'
import type { Picture } from '../kernel/picture.ts'
import type { BrandPictureField } from './brand.ts'

/** What administrators set at run time, by field. A field that is missing has the value of the environment. */
export type BrandValues = Readonly<Record<string, string>>
export type BrandPictures = { readonly [F in BrandPictureField]?: Picture }

/** The one brand of the service. `version` grows with every change, so that other nodes notice it. */
export type StoredBrand = { readonly version: number; readonly values: BrandValues; readonly pictures: BrandPictures }

export type BrandStore = {
  /** The current version; 0 if nothing was ever set. Every node reads it once a second. */
  version(): Promise<number>
  read(): Promise<StoredBrand>
  /** Sets fields, and removes those that are `null`. Others stay, also those that another node sets concurrently. */
  change(changes: Readonly<Record<string, string | null>>, at: Date, because: Fact): Promise<StoredBrand>
  /** Sets a picture, or removes it with `null`. */
  setPicture(field: BrandPictureField, picture: Picture | null, at: Date, because: Fact): Promise<StoredBrand>
}
