import type { VNode } from 'preact'
import { z } from 'zod'
import type { UserSearch } from '../../accounts/ports.ts'
import { roles } from '../../kernel/account.ts'
import { route } from '../route.ts'
import { line, userCursor, userCursorOf } from '../schemas/fields.ts'
import type { Services } from '../services.ts'
import { accountLabel, adminPage, perPage, query, userPage } from './admin-frame.tsx'
import { Field, Select } from './field.tsx'
import { Layout, type Reader, readerOf, show, Time } from './layout.tsx'
import { doneMessageOf, doneQuery } from './status.ts'
import { Table } from './table.tsx'

const path = '/admin/users'

/** The filters as the form has them; an empty one matches everything. */
const filters = {
  search: line.optional().describe('Part of an email address, a name or an ID'),
  role: line.optional().describe('Only accounts with this role'),
  state: line.optional().describe('Only enabled accounts, or only disabled ones'),
  verified: line.optional().describe('Only accounts with a verified email address, or only those without'),
  second_factor: line.optional().describe('Only accounts with a second factor, or only those without'),
}
type Filters = { readonly [N in keyof typeof filters]: string }

/** `null` for anything else: it filters nothing. */
const either = (text: string, yes: string, no: string): boolean | null =>
  text === yes ? true : text === no ? false : null
const searchOf = ({ search, role, state, verified, second_factor }: Filters): Omit<UserSearch, 'after' | 'limit'> => ({
  text: search || null,
  role: roles.find((one) => one === role) ?? null,
  disabled: either(state, 'disabled', 'enabled'),
  verified: either(verified, 'yes', 'no'),
  secondFactor: either(second_factor, 'yes', 'no'),
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
    const [{ accounts: shown, next }, numbers] = await Promise.all([
      services.users.list({ ...searchOf(given), after, limit: perPage }),
      isFiltered ? null : services.overview(),
    ])
    return show(
      locale,
      <Layout
        {...reader}
        title={admin.users}
        signedIn={csrfToken()}
        scopes={who.scopes}
        status={doneMessageOf(asked.done, locale)}
      >
        {numbers?.countedAt ? <p>{people.counted(new Intl.NumberFormat(locale).format(numbers.accounts))}</p> : null}
        <FilterForm {...reader} given={given} isFiltered={isFiltered} />
        <section class="panel" aria-labelledby="found">
          <h2 id="found">{admin.found}</h2>
          {shown.length === 0 ? (
            <p>{next === null ? admin.nobody : people.noneYet}</p>
          ) : (
            <Table
              head={[people.name, people.email, admin.role, people.state, people.since]}
              rows={shown.map((account) => ({
                key: account.id,
                cells: [
                  <a key="name" href={userPage(account.id)}>
                    {accountLabel(account)}
                  </a>,
                  account.email === null ? (
                    '–'
                  ) : (
                    <>
                      {account.email}
                      {account.emailVerified ? null : <span class="fine">{profile.notVerified}</span>}
                    </>
                  ),
                  admin.roles[account.role],
                  <span key="state" class={`badge ${account.disabledAt ? 'bad' : 'good'}`}>
                    {people.states[account.disabledAt ? 'disabled' : 'enabled']}
                  </span>,
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

function FilterForm({ given, isFiltered, ...reader }: Reader & { given: Filters; isFiltered: boolean }): VNode {
  const { admin, people } = reader.say
  return (
    <form class="panel filters" method="get" action={path}>
      <Field
        name="search"
        label={admin.search}
        autocomplete="off"
        value={given.search}
        hint={admin.searchHint}
        maxlength={200}
        optional
      />
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
