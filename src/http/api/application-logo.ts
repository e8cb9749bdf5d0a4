import { ok } from '../../kernel/result.ts'
import { json } from '../reply.ts'
import { route } from '../route.ts'
import type { Services } from '../services.ts'
import { pictureBody } from '../upload.ts'
import { ApplicationSchema, applicationExample, applicationOf, applicationParams } from './applications.ts'
import { refusedPicture } from './branding.ts'

const common = {
  tag: 'Applications',
  surface: 'api',
  limit: 'account',
  auth: 'recent',
  scope: 'applications:write',
  path: '/applications/:id/logo',
  params: applicationParams,
  reply: () => ApplicationSchema,
} as const

export const putLogo = route({
  ...common,
  method: 'put',
  summary: 'Upload the logo of an application',
  description:
    'People see the picture where they allow the application to see their data, and among their applications. It is a PNG of at most 2048 × 2048 pixels, or an SVG, and has at most 100 KiB. Metadata, and whatever in an SVG runs, loads, links or moves, is removed.',
  example: { response: { ...applicationExample, logo: '/static/application-logo.5a1bd0a2a0e4e7c5.png' } },
  upload: true,
  body: pictureBody,
  fails: ['application_not_found', 'invalid_request'],
  async handle({ who, params, body, origin }, { applications, branding }: Services) {
    const found = await applications.get(params.id)
    if (!found.ok) return found
    const picture = await branding.checkPicture(body.picture)
    if (!picture.ok) return refusedPicture(picture.error)
    const done = await applications.setLogo(who.accountId, params.id, picture.value, origin)
    return done.ok ? ok(json(applicationOf(done.value))) : done
  },
})

export const removeLogo = route({
  ...common,
  method: 'delete',
  summary: 'Remove the logo of an application',
  description: 'People see only its name again. Removing what was not uploaded is no error.',
  example: { response: applicationExample },
  fails: ['application_not_found'],
  async handle({ who, params, origin }, { applications }: Services) {
    const done = await applications.setLogo(who.accountId, params.id, null, origin)
    return done.ok ? ok(json(applicationOf(done.value))) : done
  },
})

export const applicationLogoRoutes = [putLogo, removeLogo]
