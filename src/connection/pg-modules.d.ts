/* pg publishes these modules; @types/pg describes the package as a whole. */

declare module 'pg/lib/client.js' {
  export { Client as default } from 'pg'
}

declare module 'pg/lib/connection.js' {
  export { Connection as default } from 'pg'
}
