import { useScript } from '../page-frame.ts'
import type { Principal } from '../route.ts'
import { Layout, type Reader, readerOf, show, Unseen } from './layout.tsx'
import { pageScript } from './page-script.ts'

type ShownOnce = {
  readonly title: string
  /** That it has to be copied now. */
  readonly notice: string
  /** What has to be copied, with its name. */
  readonly values: readonly (readonly [name: string, value: string])[]
  /** The button that leaves the page, and where it leads. */
  readonly kept: string
  readonly back: string
}

/**
 * Answers a form with a secret that is never shown again. A redirect would have to carry the secret in a URL, or store
 * it in our database.
 */
export const showOnce = (locale: Reader['locale'], who: Principal, csrf: string, of: ShownOnce) =>
  show(locale, <ShownOncePage {...readerOf(locale)} {...of} who={who} csrf={csrf} />)

type PageProps = Reader & ShownOnce & { readonly who: Principal; readonly csrf: string }

function ShownOncePage({ title, notice, values, kept, back, who, csrf, ...reader }: PageProps) {
  const { secondFactor } = reader.say
  useScript(pageScript)
  return (
    <Layout {...reader} title={title} signedIn={csrf} scopes={who.scopes}>
      <p role="status" class="status">
        {notice}
      </p>
      <dl class="panel once">
        {values.map(([name, value], n) => (
          <div key={name} class="part">
            <dt>{name}</dt>
            <dd>
              <code id={`once-${n}`}>{value}</code>{' '}
              <button type="button" data-act="copy" data-of={`#once-${n}`} data-done={secondFactor.copied} hidden>
                {secondFactor.copy}
                <Unseen> ({name})</Unseen>
              </button>
            </dd>
          </div>
        ))}
      </dl>
      <p class="actions">
        <a class="button primary" href={back}>
          {kept}
        </a>
      </p>
    </Layout>
  )
}
