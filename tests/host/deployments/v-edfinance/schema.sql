-- The tables that the runbooks speak of, in Prisma's way of naming, and a few rows.
CREATE EXTENSION pgcrypto;
CREATE EXTENSION pg_stat_statements;
CREATE TABLE _prisma_migrations (id text PRIMARY KEY, checksum text NOT NULL, migration_name text NOT NULL, started_at timestamptz NOT NULL DEFAULT now(), finished_at timestamptz, applied_steps_count integer NOT NULL DEFAULT 0);
CREATE TABLE "User" (id text PRIMARY KEY, email text NOT NULL UNIQUE, "passwordHash" text NOT NULL, name text, "failedLoginAttempts" integer NOT NULL DEFAULT 0, "lockedUntil" timestamptz, "stripeCustomerId" text, "createdAt" timestamptz NOT NULL DEFAULT now());
CREATE TYPE "TransactionStatus" AS ENUM ('PENDING', 'PROCESSING', 'COMPLETED', 'FAILED', 'REFUNDED', 'CANCELLED');
CREATE TABLE "Transaction" (id text PRIMARY KEY, "userId" text NOT NULL REFERENCES "User", amount integer NOT NULL, status "TransactionStatus" NOT NULL DEFAULT 'PENDING', "stripeSessionId" text, "stripePaymentIntentId" text, "createdAt" timestamptz NOT NULL DEFAULT now());
CREATE TABLE "BehaviorLog" (id text PRIMARY KEY, "userId" text NOT NULL REFERENCES "User", "sessionId" text NOT NULL, "eventType" text NOT NULL, "timestamp" timestamptz NOT NULL DEFAULT now());
CREATE TABLE "RefreshToken" (id text PRIMARY KEY, "userId" text NOT NULL REFERENCES "User", token text NOT NULL UNIQUE, "expiresAt" timestamptz NOT NULL);
CREATE TABLE "OptimizationLog" (id text PRIMARY KEY, "userId" text REFERENCES "User", "createdAt" timestamptz NOT NULL DEFAULT now());
CREATE TABLE "Course" (id text PRIMARY KEY, slug text NOT NULL UNIQUE, level text NOT NULL, published boolean NOT NULL DEFAULT false);
CREATE INDEX "Course_published_level_idx" ON "Course" (published, level);
CREATE TABLE "Lesson" (id text PRIMARY KEY, "courseId" text NOT NULL REFERENCES "Course", "order" integer NOT NULL);
CREATE TABLE "UserProgress" (id text PRIMARY KEY, "userId" text NOT NULL REFERENCES "User", "lessonId" text NOT NULL REFERENCES "Lesson", status text NOT NULL);
CREATE TABLE "Achievement" (id text PRIMARY KEY, key text NOT NULL UNIQUE);
CREATE TABLE "UserAchievement" (id text PRIMARY KEY, "userId" text NOT NULL REFERENCES "User", "achievementId" text NOT NULL REFERENCES "Achievement");
CREATE TABLE "BuddyGroup" (id text PRIMARY KEY, name text NOT NULL);
CREATE TABLE "BuddyMember" (id text PRIMARY KEY, "groupId" text NOT NULL REFERENCES "BuddyGroup", "userId" text NOT NULL REFERENCES "User");

INSERT INTO _prisma_migrations (id, checksum, migration_name, finished_at, applied_steps_count) VALUES ('m1', 'stand-in', '20251201_init', now(), 1);
INSERT INTO "User" (id, email, "passwordHash", name) VALUES
    ('u1', 'learner@example.org', crypt('dummy-secret-learner-password', gen_salt('bf', 4)), 'Learner'),
    ('u2', 'teacher@example.org', crypt('dummy-secret-teacher-password', gen_salt('bf', 4)), 'Teacher');
INSERT INTO "Transaction" (id, "userId", amount, status, "stripePaymentIntentId") VALUES ('t1', 'u1', 199000, 'COMPLETED', 'pi_1'), ('t2', 'u1', 99000, 'PENDING', 'pi_2');
INSERT INTO "Course" VALUES ('c1', 'saving', 'BEGINNER', true);
INSERT INTO "Lesson" VALUES ('l1', 'c1', 1), ('l2', 'c1', 2);
INSERT INTO "UserProgress" VALUES ('p1', 'u1', 'l1', 'COMPLETED');
INSERT INTO "BehaviorLog" (id, "userId", "sessionId", "eventType") SELECT 'b' || n, 'u1', 's1', 'CLICK' FROM generate_series(1, 100) AS n;
