import { providerContract, standardClaims } from './contract.ts'

providerContract('keycloak', standardClaims())
