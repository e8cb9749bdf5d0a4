import { providerContract, standardClaims } from './contract.ts'

providerContract('zitadel', standardClaims())
