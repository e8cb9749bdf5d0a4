import { pictureOf } from '../../sandbox/people.ts'
import { providerContract, standardClaims } from './contract.ts'

providerContract('auth0', { ...standardClaims(pictureOf), revokesOnlyRefreshTokens: true })
