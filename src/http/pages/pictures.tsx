import type { VNode } from 'preact'
import { pictureField, pictureTypes } from '../upload.ts'
import { Ask } from './ask.tsx'
import { FileField } from './field.tsx'
import { Form, type Reader, Unseen } from './layout.tsx'

type PictureProps = Reader & {
  /** What it is a picture of. */
  readonly title: string
  /** Its panel has this title: it is the only picture there. */
  readonly isAlone?: true
  readonly hint: string
  /** The file of the picture; `null`: there is none. */
  readonly src: string | null
  /** The background that it is for. */
  readonly scheme?: 'light' | 'dark'
  /** Where it comes from, if it was not uploaded. */
  readonly origin?: string | undefined
  /** Where the form is sent; its removal is sent below it. */
  readonly action: string
  /** Whether there is an uploaded one to remove. */
  readonly isUploaded: boolean
  /** `null`: the viewer may not change it. */
  readonly csrf: string | null
}

/** A picture, and the forms that upload another one and remove it. Works without a script. */
export function PicturePart({ title, hint, src, scheme, action, isUploaded, csrf, ...props }: PictureProps): VNode {
  const { pictures: words } = props.say
  return (
    <div class="part">
      {props.isAlone ? null : <h3>{title}</h3>}
      {src === null ? (
        <p class="fine">{words.none}</p>
      ) : (
        <p>
          <img class={scheme === 'dark' ? 'shown dark' : 'shown'} src={src} alt={words.shown(title)} />
        </p>
      )}
      {props.origin === undefined ? null : <p class="fine">{props.origin}</p>}
      {csrf === null ? null : (
        <>
          <Form action={action} csrf={csrf} hasFile>
            <FileField
              name={pictureField}
              id={`file${action.replaceAll('/', '-')}`}
              label={
                <>
                  {words.file}
                  <Unseen> ({title})</Unseen>
                </>
              }
              hint={hint}
              types={pictureTypes}
            >
              <button type="submit">
                {words.upload}
                <Unseen> ({title})</Unseen>
              </button>
            </FileField>
          </Form>
          {isUploaded ? (
            <Ask
              action={`${action}/remove`}
              csrf={csrf}
              label={words.remove}
              about={title}
              what={words.removeText}
              yes={words.removeYes}
            />
          ) : null}
        </>
      )}
    </div>
  )
}
