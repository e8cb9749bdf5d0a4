import type { VNode } from 'preact'
import { z } from 'zod'
import type { ManagedAccount, UserSearch } from '../../accounts/ports.ts'
import { roles } from '../../kernel/account.ts'
import type { Provider } from '../../providers/provider.ts'
import { route } from '../route.ts'
import { line, userCursor, userCursorOf } from '../schemas/fields.ts'
import type { Services } from '../services.ts'
import { accountLabel, adminPage, mayNow, newUserPage, perPage, query, userPage } from './admin-frame.tsx'
import { Field, Select } from './field.tsx'
import { LastSignIn } from './last-sign-in.tsx'
import { Layout, type Reader, readerOf, show, Time } from './layout.tsx'
import { doneMessageOf, doneQuery } from './status.ts'
import { Table } from './table.tsx'

const path = '/admin/users'

/** The filters as the form has them; an empty one matches everything. */
const filters = {
  search: line.optional().describe('Part of an email address, a name or an ID'),
  role: line.optional().describe('Only accounts with this role'),
  state: line.optional().describe('Only enabled accounts, only disabled ones, or only invited ones'),
  verified: line.optional().describe('Only accounts with a verified email address, or only those without'),
  second_factor: line.optional().describe('Only accounts with a second factor, or only those without'),
  provider: line.optional().describe('Only accounts with an identity at this provider'),
  signed_in: line.optional().describe('Only accounts that signed in within some days, or that did not'),
}
type Filters = { readonly [N in keyof typeof filters]: string }

/** `null` for anything else: it filters nothing. */
const either = (text: string, yes: string, no: string): boolean | null =>
  text === yes ? true : text === no ? false : null

/** The last sign-in by choice: within so many days, not for so many days, or never. */
const within = ['1', '7', '30', '90'] as const
const notFor = ['not-30', 'not-90', 'not-365'] as const
const dayMs = 86_400_000
/** No sign-in before it is recorded: an account without one has the year 1970. */
const never = { from: null, before: new Date(dayMs) }
function lastSignInOf(choice: string, now: Date): NonNullable<UserSearch['lastSignIn']> | null {
  const [, not, days] = /^(not-)?(\d{1,3})$/.exec(choice) ?? []
  if (days === undefined) return choice === 'never' ? never : null
  const since = new Date(now.getTime() - Number(days) * dayMs)
  return not === undefined ? { from: since, before: null } : { from: null, before: since }
}

const searchOf = (
  { search, role, state, verified, second_factor, provider, signed_in }: Filters,
  now: Date,
): Omit<UserSearch, 'after' | 'limit'> => ({
  text: search || null,
  role: roles.find((one) => one === role) ?? null,
  disabled: either(state, 'disabled', 'enabled'),
  verified: either(verified, 'yes', 'no'),
  secondFactor: either(second_factor, 'yes', 'no'),
  invited: state === 'invited' ? true : null,
  provider: provider || null,
  lastSignIn: lastSignInOf(signed_in, now),
})

const users = route({
  ...adminPage,
  path,
  summary: 'Show all accounts, newest first',
  query: z.looseObject({ ...doneQuery.shape, ...filters, cursor: userCursor.optional() }),
  fails: [],
  async handle({ who, query: asked, locale, csrfToken }, services: Services) {
    const reader = readerOf(locale)
    const { admin, people, profile } = reader.say
    const given = Object.fromEntries(
      Object.keys(filters).map((name) => [name, asked[name as keyof Filters] ?? '']),
    ) as Filters
    const isFiltered = Object.values(given).some((text) => text !== '')
    const after = asked.cursor ?? null
    const search = searchOf(given, services.clock())
    const [{ accounts: shown, next }, total, matching] = await Promise.all([
      services.users.list({ ...search, after, limit: perPage }),
      isFiltered ? null : services.overview(),
      isFiltered ? services.users.count(search) : null,
    ])
    const written = (number: number): string => new Intl.NumberFormat(locale).format(number)
    return show(
      locale,
      <Layout
        {...reader}
        title={admin.users}
        signedIn={csrfToken()}
        scopes={who.scopes}
        status={doneMessageOf(asked.done, locale)}
      >
        {total?.countedAt ? <p>{people.counted(written(total.accounts))}</p> : null}
        {mayNow(who, 'users:write', services).allowed ? (
          <p class="actions">
            <a class="button" href={newUserPage}>
              {people.add.title}
            </a>
          </p>
        ) : null}
        <FilterForm {...reader} given={given} isFiltered={isFiltered} providers={services.providers.list()} />
        <section class="panel" aria-labelledby="found">
          <h2 id="found">{admin.found}</h2>
          {matching === null ? null : <p>{people.matching(matching, written(matching.count))}</p>}
          {shown.length === 0 ? (
            <p>{next === null ? admin.nobody : people.noneYet}</p>
          ) : (
            <Table
              head={[people.name, admin.role, people.state, people.lastSignIn, people.since]}
              rows={shown.map((account) => ({
                key: account.id,
                cells: [
                  <>
                    <a href={userPage(account.id)}>{accountLabel(account)}</a>
                    {account.email === null || account.email === accountLabel(account) ? null : (
                      <span class="fine long">{account.email}</span>
                    )}
                    {account.email === null || account.emailVerified ? null : (
                      <span class="badge warn">{profile.notVerified}</span>
                    )}
                  </>,
                  admin.roles[account.role],
                  <State key="state" {...reader} account={account} now={services.clock()} />,
                  <LastSignIn key="signed-in" {...reader} at={account.lastSignInAt} />,
                  <Time key="since" {...reader} at={account.createdAt} />,
                ],
              }))}
            />
          )}
        </section>
        <p class="actions">
          {next ? (
            <a class="button" href={`${path}${query({ ...given, cursor: userCursorOf(next) })}`}>
              {given.search === '' ? admin.older : admin.searchOn}
            </a>
          ) : null}
          {after === null ? null : (
            <a class="button" href={`${path}${query(given)}`}>
              {admin.newest}
            </a>
          )}
        </p>
      </Layout>,
    )
  },
})

type StateProps = Reader & { readonly account: ManagedAccount; readonly now: Date }

/** Whether people can sign in to the account; for an invited person, until when the link can be used. */
function State({ account, now, ...reader }: StateProps): VNode {
  const { people } = reader.say
  const { disabledAt, invitedAt, invitationExpiresAt: until } = account
  const state = disabledAt ? 'disabled' : invitedAt ? 'invited' : 'enabled'
  return (
    <>
      <span class={`badge ${state === 'disabled' ? 'bad' : state === 'invited' ? '' : 'good'}`}>
        {people.states[state]}
      </span>
      {state === 'invited' && until ? (
        <span class="fine">
          {until > now ? people.linkUntil : people.linkExpired} <Time {...reader} at={until} exact />
        </span>
      ) : null}
    </>
  )
}

type FilterFormProps = Reader & {
  readonly given: Filters
  readonly isFiltered: boolean
  readonly providers: readonly Pick<Provider, 'id' | 'name'>[]
}

function FilterForm({ given, isFiltered, providers, ...reader }: FilterFormProps): VNode {
  const { admin, people } = reader.say
  const { search, ...rest } = given
  const others = Object.values(rest)
  return (
    <form class="panel filters" method="get" action={path}>
      <Field
        name="search"
        label={admin.search}
        autocomplete="off"
        value={search}
        hint={admin.searchHint}
        maxlength={200}
        optional
      />
      <details open={others.some((text) => text !== '')}>
        <summary>{reader.say.auditLog.moreFilters}</summary>
        <div class="filters">
          <Select
            name="role"
            label={admin.role}
            value={given.role}
            options={[['', people.anyRole], ...roles.map((role) => [role, admin.roles[role]] as const)]}
          />
          <Select
            name="state"
            label={people.state}
            value={given.state}
            options={[
              ['', people.anyState],
              ['enabled', people.states.enabled],
              ['disabled', people.states.disabled],
              ['invited', people.states.invited],
            ]}
          />
          <Select
            name="verified"
            label={people.verified}
            value={given.verified}
            options={[
              ['', people.anyVerified],
              ['yes', people.verifiedStates.yes],
              ['no', people.verifiedStates.no],
            ]}
          />
          <Select
            name="second_factor"
            label={people.secondFactor}
            value={given.second_factor}
            options={[
              ['', people.anySecondFactor],
              ['yes', people.secondFactorStates.yes],
              ['no', people.secondFactorStates.no],
            ]}
          />
          <Select
            name="provider"
            label={people.provider}
            value={given.provider}
            options={[['', people.anyProvider], ...providers.map(({ id, name }) => [id, name] as const)]}
          />
          <Select
            name="signed_in"
            label={people.lastSignIn}
            value={given.signed_in}
            options={[
              ['', people.anySignIn],
              ...within.map((days) => [days, people.signedInWithin(Number(days))] as const),
              ...notFor.map((choice) => [choice, people.notSignedInFor(Number(choice.slice(4)))] as const),
              ['never', people.neverSignedIn],
            ]}
          />
        </div>
      </details>
      <p class="actions">
        <button type="submit" class="primary">
          {admin.find}
        </button>
        {isFiltered ? <a href={path}>{people.all}</a> : null}
      </p>
    </form>
  )
}

export const adminRoutes = [users]
