/** The conformance table in `docs/applications.md` has every module of the suite, each with a test of its name. */
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { inTree } from '../support/program.ts'

/** The modules of four test plans of the OpenID conformance suite, in its order. */
const plans: Readonly<Record<string, readonly string[]>> = {
  'Basic OP': [
    'oidcc-server',
    'oidcc-response-type-missing',
    'oidcc-idtoken-signature',
    'oidcc-idtoken-unsigned',
    'oidcc-userinfo-get',
    'oidcc-userinfo-post-header',
    'oidcc-userinfo-post-body',
    'oidcc-ensure-request-without-nonce-succeeds-for-code-flow',
    'oidcc-scope-profile',
    'oidcc-scope-email',
    'oidcc-scope-address',
    'oidcc-scope-phone',
    'oidcc-scope-all',
    'oidcc-ensure-other-scope-order-succeeds',
    'oidcc-display-page',
    'oidcc-display-popup',
    'oidcc-prompt-login',
    'oidcc-prompt-none-not-logged-in',
    'oidcc-prompt-none-logged-in',
    'oidcc-max-age-1',
    'oidcc-max-age-10000',
    'oidcc-ensure-request-with-unknown-parameter-succeeds',
    'oidcc-id-token-hint',
    'oidcc-login-hint',
    'oidcc-ui-locales',
    'oidcc-claims-locales',
    'oidcc-ensure-request-with-acr-values-succeeds',
    'oidcc-codereuse',
    'oidcc-codereuse-30seconds',
    'oidcc-ensure-registered-redirect-uri',
    'oidcc-ensure-post-request-succeeds',
    'oidcc-server-client-secret-post',
    'oidcc-request-uri-unsigned-supported-correctly-or-rejected-as-unsupported',
    'oidcc-unsigned-request-object-supported-correctly-or-rejected-as-unsupported',
    'oidcc-claims-essential',
    'oidcc-ensure-request-object-with-redirect-uri',
    'oidcc-refresh-token',
    'oidcc-ensure-request-with-valid-pkce-succeeds',
  ],
  'Config OP': ['oidcc-discovery-endpoint-verification'],
  'RP-initiated logout': [
    'oidcc-rp-initiated-logout-discovery-endpoint-verification',
    'oidcc-rp-initiated-logout',
    'oidcc-rp-initiated-logout-bad-post-logout-redirect-uri',
    'oidcc-rp-initiated-logout-modified-id-token-hint',
    'oidcc-rp-initiated-logout-no-id-token-hint',
    'oidcc-rp-initiated-logout-no-params',
    'oidcc-rp-initiated-logout-no-post-logout-redirect-uri',
    'oidcc-rp-initiated-logout-no-state',
    'oidcc-rp-initiated-logout-only-state',
    'oidcc-rp-initiated-logout-query-added-to-post-logout-redirect-uri',
    'oidcc-rp-initiated-logout-bad-id-token-hint',
  ],
  'Back-channel logout': [
    'oidcc-backchannel-logout-discovery-endpoint-verification',
    'oidcc-backchannel-rp-initiated-logout',
  ],
}

const rows = [
  ...readFileSync(inTree('docs/applications.md'), 'utf8').matchAll(/^\| ([^|]+) \| `(oidcc-[^`]+)` \| `([^`]+)` \|/gm),
].map(([, profile = '', module = '', file = '']) => ({ profile, module, file }))

test.each(Object.entries(plans))('the table has each module of %s once', (profile, modules) => {
  const named = rows.filter((row) => row.profile === profile).map(({ module }) => module)
  expect(named.sort()).toEqual([...modules].sort())
})

test('each row names a test that exists', () => {
  expect(rows).toHaveLength(Object.values(plans).flat().length)
  for (const { module, file } of rows)
    expect(readFileSync(inTree(`test/service/${file}`), 'utf8'), `${module} in ${file}`).toContain(`'${module}'`)
})
