import { pictureOf } from '../../sandbox/people.ts'
import { providerContract, standardClaims } from './contract.ts'

providerContract('gitlab', standardClaims(pictureOf))
