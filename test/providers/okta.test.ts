import { providerContract, standardClaims } from './contract.ts'

providerContract('okta', standardClaims())
