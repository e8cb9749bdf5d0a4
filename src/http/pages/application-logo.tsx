import type { VNode } from 'preact'
import type { Application } from '../../applications/ports.ts'
import { putLogo, removeLogo } from '../api/application-logo.ts'
import { applicationLogoPath } from '../brand.ts'
import { formOf } from '../form.ts'
import { seeOther } from '../reply.ts'
import { applicationPage, applicationsPath } from './application-pages.ts'
import type { Reader } from './layout.tsx'
import { Monogram } from './marks.tsx'
import { Panel } from './panel.tsx'
import { PicturePart } from './pictures.tsx'
import { doneAt } from './status.ts'

/** The logo of an application, where its name is next to it; nothing if it has none. */
export function ApplicationLogo({ of: { logo } }: { of: Pick<Application, 'logo'> }): VNode | null {
  const src = applicationLogoPath(logo)
  return src === null ? null : <img class="app-logo" src={src} alt="" />
}

/** The logo of an application as the mark of its row; the initial of its name if it has none. */
export function ApplicationMark({ of: { logo, name } }: { of: Pick<Application, 'logo' | 'name'> }): VNode {
  const src = applicationLogoPath(logo)
  return src === null ? <Monogram name={name} /> : <img class="app-mark" src={src} alt="" />
}

type LogoProps = Reader & { readonly application: Application; readonly csrf: string; readonly canChange: boolean }

/** The logo on the page of administrators, and its forms. */
export function LogoPanel({ application: { id, logo }, csrf, canChange, ...reader }: LogoProps): VNode {
  const { applications: words } = reader.say
  return (
    <Panel id="logo" title={words.picture}>
      <PicturePart
        {...reader}
        title={words.picture}
        isAlone
        hint={words.pictureHint}
        src={applicationLogoPath(logo)}
        action={`${applicationPage(id)}/logo`}
        isUploaded={logo !== null}
        csrf={canChange ? csrf : null}
      />
    </Panel>
  )
}

const uploadForm = formOf(putLogo, {
  path: `${applicationsPath}/:id/logo`,
  summary: 'Upload the logo of an application in a form',
  done: ({ params }) => seeOther(doneAt(applicationPage(params.id), 'picture_saved')),
})
const removeForm = formOf(removeLogo, {
  path: `${applicationsPath}/:id/logo/remove`,
  summary: 'Remove the logo of an application in a form',
  done: ({ params }) => seeOther(doneAt(applicationPage(params.id), 'picture_removed')),
})

export const applicationLogoPageRoutes = [uploadForm, removeForm]
