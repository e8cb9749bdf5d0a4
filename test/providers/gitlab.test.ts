import { pictureOf } from '../../sandbox/openid-kind.ts'
import { providerContract, standardClaims } from './contract.ts'

providerContract('gitlab', standardClaims(pictureOf))
