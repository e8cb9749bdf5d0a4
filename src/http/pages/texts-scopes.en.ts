import type { ApplicationScopeTexts } from './texts.ts'

/** What an application may do: said to the person themselves, and to administrators about that person. */
export const englishScopes: ApplicationScopeTexts = {
  standard: {
    openid: {
      person: 'know that it is you, each time you sign in there',
      administrator: 'know who the person is, each time they sign in there',
    },
    profile: {
      person: 'see your name, picture and language',
      administrator: 'see their name, picture and language',
    },
    email: {
      person: 'see your email address, and whether it is verified',
      administrator: 'see their email address, and whether it is verified',
    },
    offline_access: {
      person: 'keep you signed in there for as long as you are signed in here on this device',
      administrator: 'keep them signed in there for as long as they are signed in here on the same device',
    },
    teams: {
      person: 'see your teams and your role in each of them',
      administrator: 'see their teams and their role in each of them',
    },
    metadata: {
      person: 'see what the operator of this service recorded about you for applications, such as your plan',
      administrator: 'see the public metadata of their account',
    },
  },
  other: {
    person: (scope) => `use the permission “${scope}” for you`,
    administrator: (scope) => `use the permission “${scope}” for them`,
  },
  resource: {
    person: (resource) => `act for you at ${resource}`,
    administrator: (resource) => `act for them at ${resource}`,
  },
}
