/** Pictures in requests: as the whole body, or as the field of a form. */
import { z } from 'zod'

export const pictureTypes = ['image/png', 'image/svg+xml'] as const
/** The name of the field, and of the only member of a body that is a picture. */
export const pictureField = 'picture'

/** The body of a route with `upload`. Here, the file is only known to be short. */
export const pictureBody = z.strictObject({
  [pictureField]: z
    .instanceof(Buffer)
    .meta({ documented: { type: 'string', format: 'binary', description: 'The picture' } }),
})
