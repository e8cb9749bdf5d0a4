/** One person here. */
export type Account = {
  readonly id: string
  /** The address as shown; belongs to this account only when `emailVerified`, else it is a claim. */
  readonly email: string | null
  readonly emailVerified: boolean
  readonly name: string | null
  readonly picture: string | null
  readonly role: 'user' | 'administrator'
  readonly disabledAt: Date | null
  readonly createdAt: Date
  readonly updatedAt: Date
}
