/** APIs for which applications may ask that no administrator registered. */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { decodeJwt } from 'jose'
import * as client from 'openid-client'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { administratorOf, callback, discovered, enter, follow, register, request } from '../support/applications.ts'
import { aboveStore, type Browser, type Json, startWorld, type World } from '../support/service.ts'

const notes = 'https://notes.example.org/mcp'

describe.each(aboveStore('SQLite'))('the resources of APPLICATIONS_OPEN_RESOURCES, with %s', (database) => {
  let world: World
  let documentAt: string
  let scope = 'notes:read'
  /** Without one, a network may register only ten applications in an hour. */
  let initialToken: string
  const server = createServer(({ url }, response) => {
    const id = new URL(url ?? '', documentAt).href
    const about = { client_id: id, client_name: 'Editor', redirect_uris: [callback], scope }
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(about))
  })
  beforeAll(async () => {
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    documentAt = `http://127.0.0.1:${(server.address() as AddressInfo).port}/client.json`
    world = await startWorld({
      database,
      env: {
        APPLICATIONS_REGISTRATION: 'open',
        APPLICATIONS_METADATA_DOCUMENTS: 'on',
        APPLICATIONS_ALLOW_PRIVATE_ADDRESSES: 'on',
        APPLICATIONS_OPEN_RESOURCES: notes,
        APPLICATIONS_OPEN_SCOPES: 'notes:read, notes:write',
      },
    })
    const { body } = await world.call('POST', '/registration-tokens', {
      token: await (await administratorOf(world))(),
      body: { name: 'Tests', uses: 100, expires_in: 30 * 86_400 },
    })
    initialToken = String(body.token)
  })
  afterAll(async () => {
    server.closeAllConnections()
    server.close()
    await world.stop()
  })

  async function registered(about: Json = {}) {
    const body = { client_name: 'Editor', redirect_uris: [callback], token_endpoint_auth_method: 'none', ...about }
    const answer = await world.call('POST', '/oauth/register', { body, token: initialToken })
    expect(answer.status, answer.text).toBe(201)
    const token = String(answer.body.registration_access_token)
    const replace = async (changed: Json = {}) => {
      const replaced = await world.call('PUT', `/oauth/register/${answer.body.client_id}`, {
        token,
        body: { ...body, client_id: answer.body.client_id, ...changed },
      })
      expect(replaced.status, replaced.text).toBe(200)
      return replaced.body
    }
    return { id: String(answer.body.client_id), scope: String(answer.body.scope), replace }
  }
  const asAdministrator = async (id: string, change?: Json) => {
    const token = await (await administratorOf(world))()
    const { status, body, text } = await world.call(change ? 'PATCH' : 'GET', `/applications/${id}`, {
      token,
      ...(change ? { body: change } : {}),
    })
    expect(status, text).toBe(200)
    return body
  }
  async function signedIn(): Promise<Browser> {
    const browser = world.openBrowser()
    await browser.signIn('google', world.newcomer())
    return browser
  }
  const configOf = (id: string) => discovered(world, { id, secret: null })
  const ask = async (id: string, scope: string, resource: string) =>
    request(await configOf(id), { scope, more: { resource } })

  test('give an application the scopes it registers with, or all of them if it names none', async () => {
    expect((await registered()).scope).toBe('openid profile email notes:read notes:write')
    expect((await registered({ scope: 'email notes:write payments:write' })).scope).toBe('openid email notes:write')
    const { id } = await registered()
    expect(await asAdministrator(id)).toMatchObject({ source: 'registration', first_party: false, resources: [notes] })
  })

  test.each([
    ['that registered itself', async () => (await registered()).id],
    ['with a metadata document', async () => documentAt],
  ])('are for an application %s, once the person agrees, and for nothing else', async (_, idOf) => {
    const id = await idOf()
    const { url, redeem } = await ask(id, 'openid notes:read', notes)
    const browser = await signedIn()
    const { page } = await follow(world, browser, url)
    expect(page.text).toContain(notes)
    expect(page.text).toContain('notes:read')
    const done = await browser.submit(page, page.url.pathname, { decision: 'allow' })
    const back = new URL(/url=([^"]*)"/.exec(done.text)?.[1]?.replaceAll('&amp;', '&') ?? '')
    const { access_token: token } = await redeem(back)
    expect(decodeJwt(token)).toMatchObject({ aud: notes, scope: 'notes:read' })
    expect((await world.call('GET', '/me', { token })).status).toBe(401)
    await expect(client.fetchUserInfo(await configOf(id), token, client.skipSubjectCheck)).rejects.toThrow()
  })

  test('are named to the person, even if no scope of theirs is asked for, once each', async () => {
    const { id } = await registered()
    const browser = await signedIn()
    const agree = async (url: URL) => {
      const { page } = await follow(world, browser, url)
      const done = await browser.submit(page, page.url.pathname, { decision: 'allow' })
      return { page, back: new URL(/url=([^"]*)"/.exec(done.text)?.[1]?.replaceAll('&amp;', '&') ?? '') }
    }
    const config = await configOf(id)
    const plain = await agree((await request(config, { scope: 'openid' })).url)
    expect(plain.page.text).not.toContain(notes)
    // That the person agreed to the sign-in says nothing about the API.
    const silently = { scope: 'openid', more: { resource: notes, prompt: 'none' } }
    const { left } = await follow(world, browser, (await request(config, silently)).url)
    expect(left?.searchParams.get('error')).toBe('consent_required')
    expect(left?.searchParams.has('code')).toBe(false)
    const { url, redeem } = await ask(id, 'openid', notes)
    const asked = await agree(url)
    expect(asked.page.text).toContain(notes)
    expect(decodeJwt((await redeem(asked.back)).access_token)).toMatchObject({ aud: notes, scope: '' })
    // What was allowed is remembered.
    const { access_token: token } = await enter(world, browser, config, silently)
    expect(decodeJwt(token)).toMatchObject({ aud: notes, scope: '' })
  })

  test('need no consent for a first-party application', async () => {
    const admin = await administratorOf(world)
    const shop = await register(world, admin, { resources: [notes] })
    const more = { resource: notes, prompt: 'none' }
    const tokens = await enter(world, await signedIn(), await discovered(world, shop), { scope: 'openid', more })
    expect(decodeJwt(tokens.access_token)).toMatchObject({ aud: notes })
  })

  test('are asked for again once the document names another scope', async () => {
    const id = new URL('/other.json', documentAt).href
    const browser = await signedIn()
    const isAsked = async (): Promise<boolean> => {
      const { page, left } = await follow(world, browser, (await ask(id, 'openid', notes)).url)
      if (left) return false
      await browser.submit(page, page.url.pathname, { decision: 'allow' })
      return true
    }
    expect([await isAsked(), await isAsked()]).toEqual([true, false])
    scope = 'notes:write'
    world.turn(601)
    expect([await isAsked(), await isAsked()]).toEqual([true, false])
    scope = 'notes:read'
  })

  test('are the only ones: any other is refused at the redirect URI', async () => {
    const { url } = await ask((await registered()).id, 'openid', 'https://payments.example.org')
    const { left } = await follow(world, await signedIn(), url)
    expect(left?.searchParams.get('error')).toBe('invalid_target')
  })

  test.each([
    ['names no scopes', {}],
    ['names them', { scope: 'openid profile email offline_access notes:read notes:write' }],
    ['asks for refresh tokens', { grant_types: ['authorization_code', 'refresh_token'] }],
  ])('stay taken from an application whose new registration %s', async (_, about) => {
    const { id, replace } = await registered({ grant_types: ['authorization_code', 'refresh_token'] })
    await asAdministrator(id, { resources: [], scopes: ['openid', 'profile'] })
    expect(await replace(about)).toMatchObject({ scope: 'openid profile', grant_types: ['authorization_code'] })
    expect(await asAdministrator(id)).toMatchObject({ resources: [], scopes: ['openid', 'profile'] })
    const { url } = await ask(id, 'openid notes:read', notes)
    const { left } = await follow(world, await signedIn(), url)
    expect(left?.searchParams.get('error')).toBe('invalid_target')
  })

  test('stay with an application that replaces its registration, as does all that an administrator gave it', async () => {
    const { id, replace } = await registered({ grant_types: ['authorization_code', 'refresh_token'] })
    const given = {
      resources: [notes, 'https://orders.example.org'],
      scopes: ['openid', 'email', 'teams', 'offline_access', 'notes:read', 'orders:read'],
      access_token_seconds: 300,
      refresh_token_seconds: 3600,
      cors_origins: ['https://shop.example.org'],
      logo_uri: 'https://shop.example.org/logo.png',
    }
    await asAdministrator(id, given)
    const replaced = await replace({ client_name: 'Editor 2' })
    expect(String(replaced.scope).split(' ').sort()).toEqual([...given.scopes].sort())
    const { scopes, ...rest } = given
    const kept = await asAdministrator(id)
    expect(kept).toMatchObject({ ...rest, name: 'Editor 2' })
    expect(new Set(kept.scopes as string[])).toEqual(new Set(scopes))
    // It may drop scopes.
    const fewer = { scope: 'notes:read orders:read profile', grant_types: ['authorization_code'] }
    expect((await replace(fewer)).scope).toBe('openid notes:read orders:read')
    expect(await asAdministrator(id)).toMatchObject(rest)
  })

  test('are not for a scope that an application did not register', async () => {
    const { id } = await registered({ scope: 'notes:read' })
    const { url } = await ask(id, 'openid notes:read notes:write', notes)
    const { page } = await follow(world, await signedIn(), url)
    expect(page.text).toContain('notes:read')
    expect(page.text).not.toContain('notes:write')
  })
})
