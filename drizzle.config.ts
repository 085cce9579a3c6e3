import { defineConfig } from 'drizzle-kit'

export default defineConfig({
  dialect: 'postgresql',
  schema: './src/schema/index.ts',
  out: './drizzle',
  // 14 digits and a name, which is what the Supabase CLI accepts as a version.
  migrations: { prefix: 'supabase' },
})
