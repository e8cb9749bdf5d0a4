import type { VNode } from 'preact'
import { z } from 'zod'
import type { Identity } from '../../accounts/ports.ts'
import { locales } from '../../kernel/locale.ts'
import { timeZones } from '../../kernel/time-zone.ts'
import type { Providers } from '../../providers/providers.ts'
import { update } from '../api/me.ts'
import { formOf } from '../form.ts'
import { seeOther } from '../reply.ts'
import { object, route } from '../route.ts'
import { LocaleName, line, pictureUrl, timeZone } from '../schemas/fields.ts'
import type { Services } from '../services.ts'
import { languageCookie, noticeCookie } from '../sign-in-answers.ts'
import { Field, Select, Tick } from './field.tsx'
import { Form, Layout, type Reader, readerOf, show, Time, Unseen } from './layout.tsx'
import { doneAt, doneMessageOf, doneQuery } from './status.ts'
import { textsFor } from './texts.ts'

const here = '/account'

const account = route({
  tag: 'Pages',
  surface: 'browser',
  auth: 'user',
  limit: 'account',
  method: 'get',
  path: here,
  summary: 'Show my profile: picture, name, language, time zone and email address',
  query: doneQuery,
  fails: [],
  async handle({ who, query, cookie, locale, csrfToken }, { links, providers }: Services) {
    const reader = readerOf(locale)
    const { profile, security, ways } = reader.say
    const { account: mine } = who
    const csrf = csrfToken()
    const status = doneMessageOf(query.done ?? cookie('notice'), locale)
    const pictures = picturesOf(await links.list(who.accountId), providers)
    return show(
      locale,
      <Layout {...reader} title={profile.title} signedIn={csrf} status={status}>
        <section class="panel" aria-labelledby="profile">
          <h2 id="profile">{profile.heading}</h2>
          <Form action="/account/profile" csrf={csrf}>
            <Field
              name="name"
              label={profile.name}
              autocomplete="name"
              value={mine.name ?? ''}
              hint={profile.nameHint}
              maxlength={200}
              optional
            />
            <PictureField {...reader} chosen={mine.picture} pictures={pictures} />
            <Select
              name="locale"
              label={profile.language}
              hint={profile.languageHint}
              value={mine.locale ?? locale}
              options={locales.map((one) => [one, textsFor(one).ownLanguage])}
            />
            <Select
              name="time_zone"
              label={profile.timeZone}
              hint={profile.timeZoneHint}
              value={mine.timeZone ?? ''}
              options={[['', profile.browserZone], ...zonesWith(mine.timeZone)]}
            />
            <p class="actions">
              <button type="submit" class="primary">
                {profile.save}
              </button>
            </p>
          </Form>
        </section>
        <section class="panel" aria-labelledby="about">
          <h2 id="about">{security.email}</h2>
          <ul class="rows">
            <li>
              <div>
                <p>
                  {mine.email ?? profile.noEmail}{' '}
                  {mine.email === null ? null : (
                    <span class={mine.emailVerified ? 'badge good' : 'badge warn'}>
                      {mine.emailVerified ? profile.verified : profile.notVerified}
                    </span>
                  )}
                </p>
                <p class="fine">
                  {profile.since} <Time {...reader} at={mine.createdAt} />
                </p>
              </div>
              <div class="actions">
                <a class="button" href="/account/email">
                  {mine.email === null ? ways.add : ways.change}
                  <Unseen> {security.email}</Unseen>
                </a>
              </div>
            </li>
          </ul>
        </section>
      </Layout>,
      {
        // A notice is shown once.
        cookies: query.done === undefined && cookie('notice') !== undefined ? [noticeCookie(null)] : [],
      },
    )
  },
})

const profileForm = formOf(update, {
  path: '/account/profile',
  shownOn: here,
  summary: 'Change my name, picture, language and time zone; an empty name removes it',
  fields: object({
    name: line.transform((name) => name || null).optional(),
    picture: emptyOr(pictureUrl).optional().describe('The HTTPS URL of a picture; empty for none'),
    locale: LocaleName.optional(),
    time_zone: emptyOr(timeZone).optional().describe('An IANA time zone; empty for the zone of the browser'),
  }),
  // What the person chose here also holds where this device remembers another language.
  done: ({ body }, _, { settings }) =>
    seeOther(doneAt(here, 'profile_saved'), {
      cookies: body.locale === undefined ? [] : [languageCookie(body.locale, settings.deviceCookieSeconds)],
    }),
})
export const accountRoutes = [account, profileForm]

/** An empty choice of a form removes the value. */
function emptyOr<S extends z.ZodType<string, string>>(schema: S) {
  return z.union([z.literal('').transform(() => null), schema])
}

type Picture = { readonly url: string; readonly provider: string }

/** The pictures that the linked providers reported at the last sign-in. */
const picturesOf = (identities: readonly Identity[], providers: Providers): readonly Picture[] => [
  ...new Map(
    identities.flatMap(({ picture, ...identity }) =>
      picture === null || !picture.startsWith('https:')
        ? []
        : [[picture, { url: picture, provider: providers.get(identity.provider)?.name ?? identity.provider }] as const],
    ),
  ).values(),
]

type PictureFieldProps = Reader & { readonly chosen: string | null; readonly pictures: readonly Picture[] }

/**
 * The picture of one of the linked providers, or none. Pictures are linked and not loaded: no page of ours reveals its
 * reader to another host.
 */
function PictureField({ chosen, pictures, say: { profile } }: PictureFieldProps): VNode | null {
  const other = chosen === null || pictures.some(({ url }) => url === chosen) ? null : chosen
  if (pictures.length === 0 && other === null) return null
  return (
    <fieldset class="field" aria-describedby="picture-hint">
      <legend>{profile.picture}</legend>
      <p class="fine" id="picture-hint">
        {profile.pictureHint}
      </p>
      {[
        ...pictures.map(({ url, provider }) => [url, profile.pictureOf(provider)] as const),
        ...(other === null ? [] : [[other, profile.pictureFrom(new URL(other).host)] as const]),
      ].map(([url, words]) => (
        <div class="choices" key={url}>
          <Tick type="radio" name="picture" value={url} checked={url === chosen}>
            {words}
          </Tick>
          <a href={url} rel="noreferrer">
            {profile.viewPicture}
            <Unseen> ({words})</Unseen>
          </a>
        </div>
      ))}
      <Tick type="radio" name="picture" value="" checked={chosen === null}>
        {profile.noPicture}
      </Tick>
    </fieldset>
  )
}

/** Every zone with words: `America/Sao Paulo`. A zone that only another node knows stays chosen. */
const zonesWith = (chosen: string | null): readonly (readonly [string, string])[] =>
  [...new Set([...timeZones(), ...(chosen === null ? [] : [chosen])])].map((zone) => [zone, zone.replaceAll('_', ' ')])
