import { pictureOf } from '../../sandbox/openid-kind.ts'
import { providerContract, standardClaims } from './contract.ts'

providerContract('auth0', { ...standardClaims(pictureOf), revokesOnlyRefreshTokens: true })
