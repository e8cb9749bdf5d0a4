import { Busboy, type BusboyInstance } from '@fastify/busboy'
import { mostPictureBytes } from '../kernel/picture.ts'

/** A form with one file. More of anything is none of our forms. */
const limits = {
  // One byte more than is accepted shows that the file is too long.
  fileSize: mostPictureBytes + 1,
  files: 1,
  fields: 4,
  parts: 5,
  fieldSize: 1024,
  fieldNameSize: 64,
  headerPairs: 8,
  headerSize: 2048,
}

type FormFields = Readonly<Record<string, string | string[] | Buffer>>

/** Reads a whole `multipart/form-data` body (RFC 7578). `undefined`: it is malformed, or has more than it may. */
export function readMultipart(contentType: string, bytes: Buffer): Promise<FormFields | undefined> {
  return new Promise((resolve) => {
    const fields: Record<string, string | string[] | Buffer> = Object.create(null)
    const refuse = (): void => resolve(undefined)
    let reader: BusboyInstance
    try {
      reader = new Busboy({ headers: { 'content-type': contentType }, limits })
    } catch {
      return refuse()
    }
    reader.on('field', (name, value, isNameCut, isValueCut) => {
      if (isNameCut || isValueCut) return refuse()
      const { [name]: before } = fields
      fields[name] = before === undefined ? value : [before, value].flat().map(String)
    })
    reader.on('file', (name, file) => {
      const pieces: Buffer[] = []
      file.on('data', (piece: Buffer) => pieces.push(piece))
      file.on('error', refuse)
      file.on('end', () => {
        const content = Buffer.concat(pieces)
        // A browser sends a field without a file as an empty one.
        if (content.length > 0) fields[name] = content
      })
    })
    for (const limit of ['filesLimit', 'fieldsLimit', 'partsLimit'] as const) reader.on(limit, refuse)
    reader.on('error', refuse)
    reader.on('finish', () => resolve(fields))
    reader.end(bytes)
  })
}
