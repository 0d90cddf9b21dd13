//! Payments that fail.

use crate::diagnose::{Fix, Injection};

pub const INJECTIONS: &[Injection] = &[
    Injection {
        failure: "payment-failure",
        what: "a public key for STRIPE_SECRET_KEY (scenario A)",
        inject: "cp -a /root/v-edfinance/apps/api/.env /root/e; sed -i \
                 's/^STRIPE_SECRET_KEY=.*/STRIPE_SECRET_KEY=pk_live_dummydummy/' /root/v-edfinance/apps/api/.env",
        heal: "cp -a /root/e /root/v-edfinance/apps/api/.env",
        code: "STRIPE-KEY-FORM",
        subject: "api",
        decisive: "does not have the form",
        fix: Fix::Person,
    },
    Injection {
        failure: "payment-failure",
        what: "a refused key, in Stripe's words (scenario A)",
        inject: "docker exec vedfinance-api sh -c 'echo \"ERROR [PaymentService] Invalid API Key provided\" \
                 >/proc/1/fd/1'",
        heal: "docker restart -t 1 vedfinance-api >/dev/null",
        code: "STRIPE-KEY-REFUSED",
        subject: "api",
        decisive: "Invalid API Key",
        fix: Fix::Person,
    },
    Injection {
        failure: "payment-failure",
        what: "the test key in production (scenario E)",
        inject: "cp -a /root/v-edfinance/apps/api/.env /root/e; echo NODE_ENV=production >> \
                 /root/v-edfinance/apps/api/.env",
        heal: "cp -a /root/e /root/v-edfinance/apps/api/.env",
        code: "STRIPE-TEST-KEY",
        subject: "api",
        decisive: "has the form",
        fix: Fix::Person,
    },
    Injection {
        failure: "payment-failure",
        what: "webhooks checked against a parsed body, in Stripe's words (scenario B)",
        inject: "docker exec vedfinance-api sh -c 'for i in $(seq 3); do echo \"ERROR [PaymentController] Webhook \
                 payload must be provided as a string or a Buffer\"; done >/proc/1/fd/1'",
        heal: "docker restart -t 1 vedfinance-api >/dev/null",
        code: "WEBHOOK-RAW-BODY",
        subject: "api",
        decisive: "string or a Buffer",
        fix: Fix::Person,
    },
    Injection {
        failure: "payment-failure",
        what: "a STRIPE_WEBHOOK_SECRET that is none (scenario B)",
        inject: "cp -a /root/v-edfinance/apps/api/.env /root/e; sed -i \
                 's/^STRIPE_WEBHOOK_SECRET=.*/STRIPE_WEBHOOK_SECRET=dummy/' /root/v-edfinance/apps/api/.env",
        heal: "cp -a /root/e /root/v-edfinance/apps/api/.env",
        code: "WEBHOOK-SECRET-FORM",
        subject: "api",
        decisive: "does not have the form",
        fix: Fix::Person,
    },
    Injection {
        failure: "payment-failure",
        what: "three webhooks refused, in Stripe's words (scenario B)",
        inject: "docker exec vedfinance-api sh -c 'for i in $(seq 3); do echo \"ERROR [PaymentController] No \
                 signatures found matching the expected signature for payload\"; done >/proc/1/fd/1'",
        heal: "docker restart -t 1 vedfinance-api >/dev/null",
        code: "WEBHOOK-SIGNATURE",
        subject: "api",
        decisive: "3 similar lines",
        fix: Fix::Person,
    },
    Injection {
        failure: "payment-failure",
        what: "a payment that the database refused, in Prisma's words (scenario C)",
        inject: "docker exec vedfinance-api sh -c 'echo \"ERROR [PaymentService] Transaction API error: Foreign key \
                 constraint failed P2003\" >/proc/1/fd/1'",
        heal: "docker restart -t 1 vedfinance-api >/dev/null",
        code: "PAYMENT-NOT-STORED",
        subject: "api",
        decisive: "P2003",
        fix: Fix::Look,
    },
    Injection {
        failure: "payment-failure",
        what: "too many requests to Stripe, in its words (scenario D)",
        inject: "docker exec vedfinance-api sh -c 'echo \"ERROR [PaymentService] StripeRateLimitError: Request rate \
                 limit exceeded\" >/proc/1/fd/1'",
        heal: "docker restart -t 1 vedfinance-api >/dev/null",
        code: "STRIPE-RATE-LIMIT",
        subject: "api",
        decisive: "StripeRateLimitError",
        fix: Fix::Person,
    },
    Injection {
        failure: "payment-failure",
        what: "Stripe not reached, in its client's words",
        inject: "docker exec vedfinance-api sh -c 'echo \"ERROR [PaymentService] StripeConnectionError: An error \
                 occurred with our connection to Stripe\" >/proc/1/fd/1'",
        heal: "docker restart -t 1 vedfinance-api >/dev/null",
        code: "STRIPE-UNREACHABLE",
        subject: "api",
        decisive: "StripeConnectionError",
        fix: Fix::Look,
    },
    Injection {
        failure: "payment-failure",
        what: "eleven payments of the last hour pending",
        inject: "docker exec vedfinance-postgres psql -qX -v ON_ERROR_STOP=1 -U postgres vedfinance_staging -c \
                 \"INSERT INTO \\\"Transaction\\\" (id, \\\"userId\\\", amount) SELECT 'p' || n, 'u1', 1 FROM \
                 generate_series(1, 11) AS n\"",
        heal: "docker exec vedfinance-postgres psql -qX -v ON_ERROR_STOP=1 -U postgres vedfinance_staging -c \
               \"DELETE FROM \\\"Transaction\\\" WHERE amount = 1\"",
        code: "PAYMENTS-PENDING",
        subject: "api",
        decisive: "pending payments of the last hour: 1",
        fix: Fix::Look,
    },
];
