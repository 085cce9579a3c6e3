import { PostgreSqlContainer } from '@testcontainers/postgresql'
import { getContainerRuntimeClient, ImageName, Wait } from 'testcontainers'
import { type Server, startEmbedded } from './embedded.ts'

/** `TEST_DATABASE_URL`, else a container where Docker answers and has an image, else the embedded server. */
export async function startServer(): Promise<Server> {
  const url = process.env.TEST_DATABASE_URL
  if (url) return givenServer(url)
  const image = await containerImage()
  return image === undefined ? startEmbedded() : startContainer(image)
}

function givenServer(url: string): Server {
  const name = new URL(url).pathname.slice(1)
  // Tests create and drop databases and roles there.
  if (!name.includes('test')) {
    throw new Error(`TEST_DATABASE_URL names database "${name}"; tests only touch one whose name contains "test"`)
  }
  return { adminUrl: url, kind: 'TEST_DATABASE_URL', stop: async () => {} }
}

/** An image to test with, or undefined where Docker does not answer or has none and cannot pull one. */
export async function containerImage(): Promise<string | undefined> {
  const wanted = process.env.TEST_POSTGRES_IMAGE ?? 'postgres:17-alpine'
  try {
    const docker = await getContainerRuntimeClient()
    for (const image of [wanted, 'local/postgres:15']) {
      if (await docker.image.exists(ImageName.fromString(image))) return image
    }
    await docker.image.pull(ImageName.fromString(wanted))
    return wanted
  } catch {
    return undefined
  }
}

export async function startContainer(image: string): Promise<Server> {
  // The reaper is an image of its own, not to be had where the server's had to be built locally.
  if (image.startsWith('local/')) process.env.TESTCONTAINERS_RYUK_DISABLED = 'true'
  const container = await new PostgreSqlContainer(image)
    .withTmpFs({ '/var/lib/postgresql/data': 'rw' })
    .withCommand(['postgres', '-c', 'fsync=off', '-c', 'max_connections=200'])
    // The default check runs four times a second, and one that times out can take a server with it that is process 1.
    .withHealthCheck({
      test: ['CMD', 'pg_isready', '-h', 'localhost'],
      interval: 3_600_000,
      timeout: 10_000,
      retries: 3,
    })
    .withWaitStrategy(Wait.forAll([Wait.forLogMessage(/ready to accept connections/, 2), Wait.forListeningPorts()]))
    .start()
  return {
    adminUrl: container.getConnectionUri(),
    kind: `Testcontainers (${image})`,
    stop: async () => {
      await container.stop()
    },
  }
}
