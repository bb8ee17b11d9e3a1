// Made by `npm run generate` of the OpenAPI document: the roads below a scope, whichever scope it is.

export interface paths {
    "": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Read a scope */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description Read a scope */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Scope"];
                    };
                };
                /** @description What was refused, and why */
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        /** Create or rename a scope */
        put: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": {
                        displayName?: string;
                    };
                };
            };
            responses: {
                /** @description Create or rename a scope */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Scope"];
                    };
                };
                /** @description Create or rename a scope */
                201: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Scope"];
                    };
                };
                /** @description What was refused, and why */
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        post?: never;
        /** Delete an empty scope */
        delete: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description Done */
                204: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
                /** @description What was refused, and why */
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/audit": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List who did what in a scope and within, newest first */
        get: {
            parameters: {
                query?: {
                    /** @description An action, such as `connector.put`, or with a star at its end all that begin so */
                    action?: string;
                    /** @description Its id, or its name */
                    actor?: string;
                    cursor?: string;
                    limit?: string;
                    outcome?: "done" | "refused" | "denied" | "begun" | "failed";
                    since?: string;
                    /** @description A target, such as `entities/pipeline/build`, or with a star at its end all that begin so */
                    target?: string;
                    until?: string;
                };
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description List who did what in a scope and within, newest first */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["AuditPage"];
                    };
                };
                /** @description What was refused, and why */
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/audit/export": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Export the trail of an account’s audit: a line of JSON for each entry, in their order */
        get: {
            parameters: {
                query?: {
                    /** @description The position of the last entry that was exported before */
                    after?: string;
                };
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description A line of JSON for each entry: `account`, `position`, `previous`, `hash`, and `entry`, whose text is JSON exactly as it was hashed */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/x-ndjson": string;
                    };
                };
                /** @description What was refused, and why */
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/audit/head": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Read where the trail of an account’s audit ends */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description Read where the trail of an account’s audit ends */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["AuditHead"];
                    };
                };
                /** @description What was refused, and why */
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/connectors": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List the connectors of a scope by their identifiers */
        get: {
            parameters: {
                query?: {
                    cursor?: string;
                    limit?: string;
                };
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description List the connectors of a scope by their identifiers */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["ConnectorPage"];
                    };
                };
                /** @description What was refused, and why */
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/connectors/{connector}/imports": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List imports, newest first */
        get: {
            parameters: {
                query?: {
                    cursor?: string;
                    limit?: string;
                };
                header?: never;
                path: {
                    /** @description Identifier: [A-Za-z_][A-Za-z0-9_$-]{0,127} */
                    connector: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description List imports, newest first */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["ImportPage"];
                    };
                };
                /** @description What was refused, and why */
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        put?: never;
        /** Import files that are committed already: some, a folder or a branch */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description Identifier: [A-Za-z_][A-Za-z0-9_$-]{0,127} */
                    connector: string;
                };
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": components["schemas"]["ImportWrite"];
                };
            };
            responses: {
                /** @description Import files that are committed already: some, a folder or a branch */
                202: {
                    headers: {
                        /** @description Where to look for what becomes of it */
                        Location: string;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Import"];
                    };
                };
                /** @description What was refused, and why */
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/connectors/{connector}/imports/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Read how far an import is */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description Identifier: [A-Za-z_][A-Za-z0-9_$-]{0,127} */
                    connector: string;
                    id: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description Read how far an import is */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Import"];
                    };
                };
                /** @description What was refused, and why */
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/connectors/{connector}/imports/{id}/apply": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Do what a dry run reported */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description Identifier: [A-Za-z_][A-Za-z0-9_$-]{0,127} */
                    connector: string;
                    id: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description Do what a dry run reported */
                202: {
                    headers: {
                        /** @description Where to look for what becomes of it */
                        Location: string;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Import"];
                    };
                };
                /** @description What was refused, and why */
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/connectors/{connector}/imports/{id}/cancel": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Let go of what an import has not done yet */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description Identifier: [A-Za-z_][A-Za-z0-9_$-]{0,127} */
                    connector: string;
                    id: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description Let go of what an import has not done yet */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Import"];
                    };
                };
                /** @description What was refused, and why */
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/connectors/{connector}/imports/{id}/files": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List the files of an import, and what they came to or would */
        get: {
            parameters: {
                query?: {
                    cursor?: string;
                    limit?: string;
                    outcome?: "create" | "update" | "same" | "invalid" | "mismatch" | "elsewhere" | "taken" | "refused";
                };
                header?: never;
                path: {
                    /** @description Identifier: [A-Za-z_][A-Za-z0-9_$-]{0,127} */
                    connector: string;
                    id: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description List the files of an import, and what they came to or would */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["ImportItemPage"];
                    };
                };
                /** @description What was refused, and why */
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/connectors/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Read a connector */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description Identifier: [A-Za-z_][A-Za-z0-9_$-]{0,127} */
                    id: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description Read a connector */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Connector"];
                    };
                };
                /** @description What was refused, and why */
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        /** Create or replace a connector */
        put: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description Identifier: [A-Za-z_][A-Za-z0-9_$-]{0,127} */
                    id: string;
                };
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": {
                        /** @description What the host’s API is shown; default: what Git is shown */
                        apiCredential?: {
                            /** @enum {string} */
                            kind?: "basic";
                            /** @description Identifier of the nearest in the scope itself or further out; `org.` and `account.` before it name the very place */
                            secret: string;
                            username: string;
                        } | {
                            /** @enum {string} */
                            kind: "token";
                            /** @description Identifier of the nearest in the scope itself or further out; `org.` and `account.` before it name the very place */
                            secret: string;
                            /** @description Beside the token; default: what the provider’s hosts take */
                            username?: string;
                        } | {
                            clientId: string;
                            /** @description Identifier of the nearest in the scope itself or further out; `org.` and `account.` before it name the very place */
                            clientSecret: string;
                            /** @enum {string} */
                            kind: "oauth2";
                            /** @description Identifier of the nearest in the scope itself or further out; `org.` and `account.` before it name the very place */
                            refreshToken: string;
                            /** @description Where the refresh token is exchanged */
                            tokenUrl: string;
                        } | {
                            appId: string;
                            installationId: string;
                            /** @enum {string} */
                            kind: "github-app";
                            /** @description Identifier of the nearest in the scope itself or further out; `org.` and `account.` before it name the very place */
                            privateKey: string;
                            repositories?: string[];
                        } | {
                            /** @description Where it signs in; default: https://login.microsoftonline.com */
                            authority?: string;
                            /** Format: uuid */
                            clientId: string;
                            /** @enum {string} */
                            kind: "azure-entra";
                            /** @description Identifier of the nearest in the scope itself or further out; `org.` and `account.` before it name the very place */
                            secret: string;
                            tenant: string;
                        };
                        /** @description Where the host’s API is; default: where the provider has it, judged by the repository’s URL */
                        apiUrl?: string;
                        /** @enum {string} */
                        connectivity: "manager";
                        /** @description What Git is shown. Secrets by name: `basic` has a user name and a password, or where a store has it; `token` a token; `oauth2`, `github-app` and `azure-entra` are exchanged for short-lived tokens; `ssh` has a private key */
                        credential?: {
                            /** @enum {string} */
                            kind?: "basic";
                            /** @description Identifier of the nearest in the scope itself or further out; `org.` and `account.` before it name the very place */
                            secret: string;
                            username: string;
                        } | {
                            /** @enum {string} */
                            kind?: "basic";
                            /** @description Where a store has the value: `vault-kv://<secret manager>/<path>[?version=…][#<field>]`, likewise `aws-secrets-manager://`, `gcp-secret-manager://`, `azure-key-vault://`; percent-encoded where need be */
                            reference: string;
                            username: string;
                        } | {
                            /** @enum {string} */
                            kind: "token";
                            /** @description Identifier of the nearest in the scope itself or further out; `org.` and `account.` before it name the very place */
                            secret: string;
                            /** @description Beside the token; default: what the provider’s hosts take */
                            username?: string;
                        } | {
                            clientId: string;
                            /** @description Identifier of the nearest in the scope itself or further out; `org.` and `account.` before it name the very place */
                            clientSecret: string;
                            /** @enum {string} */
                            kind: "oauth2";
                            /** @description Identifier of the nearest in the scope itself or further out; `org.` and `account.` before it name the very place */
                            refreshToken: string;
                            /** @description Where the refresh token is exchanged */
                            tokenUrl: string;
                        } | {
                            appId: string;
                            installationId: string;
                            /** @enum {string} */
                            kind: "github-app";
                            /** @description Identifier of the nearest in the scope itself or further out; `org.` and `account.` before it name the very place */
                            privateKey: string;
                            repositories?: string[];
                        } | {
                            /** @description Where it signs in; default: https://login.microsoftonline.com */
                            authority?: string;
                            /** Format: uuid */
                            clientId: string;
                            /** @enum {string} */
                            kind: "azure-entra";
                            /** @description Identifier of the nearest in the scope itself or further out; `org.` and `account.` before it name the very place */
                            secret: string;
                            tenant: string;
                        } | {
                            /** @enum {string} */
                            kind: "ssh";
                            /** @description Identifier of the nearest in the scope itself or further out; `org.` and `account.` before it name the very place */
                            passphrase?: string;
                            /** @description Identifier of the nearest in the scope itself or further out; `org.` and `account.` before it name the very place */
                            privateKey: string;
                            /** @description Default: the user of the URL, or `git` */
                            username?: string;
                        };
                        /** @description Lines of known_hosts with the keys of the SSH host; needed for SSH, refused for others */
                        knownHosts?: string;
                        /**
                         * @description The Git host product; default: `generic`, plain Git
                         * @enum {string}
                         */
                        provider?: "github" | "gitlab" | "bitbucket-cloud" | "bitbucket-dc" | "gitea" | "forgejo" | "gogs" | "azure" | "generic";
                        /** @description For hosts that not everybody believes, that ask who comes, or that are behind a proxy. Certificates are always verified */
                        trust?: {
                            /** @description Certificates in PEM that are believed, besides the usual */
                            ca?: string;
                            /** @description In PEM; what a host that asks is shown */
                            clientCertificate?: string;
                            /** @description Secret with the certificate’s private key in PEM */
                            clientKey?: string;
                            /** @description Hosts that are reached without the proxy */
                            noProxy?: string[];
                            /** @description Secret with the proxy’s password */
                            proxyPassword?: string;
                            /** @description HTTP proxy, without user-info */
                            proxyUrl?: string;
                            proxyUsername?: string;
                        };
                        /** @description Repository URL, without user-info; with connectivity `delegate` also `ssh://[user@]host[:port]/path` or `user@host:path` */
                        url: string;
                    } | {
                        /** @description What the host’s API is shown; default: what Git is shown */
                        apiCredential?: {
                            /** @enum {string} */
                            kind?: "basic";
                            /** @description Identifier of the nearest in the scope itself or further out; `org.` and `account.` before it name the very place */
                            secret: string;
                            username: string;
                        } | {
                            /** @enum {string} */
                            kind: "token";
                            /** @description Identifier of the nearest in the scope itself or further out; `org.` and `account.` before it name the very place */
                            secret: string;
                            /** @description Beside the token; default: what the provider’s hosts take */
                            username?: string;
                        } | {
                            clientId: string;
                            /** @description Identifier of the nearest in the scope itself or further out; `org.` and `account.` before it name the very place */
                            clientSecret: string;
                            /** @enum {string} */
                            kind: "oauth2";
                            /** @description Identifier of the nearest in the scope itself or further out; `org.` and `account.` before it name the very place */
                            refreshToken: string;
                            /** @description Where the refresh token is exchanged */
                            tokenUrl: string;
                        } | {
                            appId: string;
                            installationId: string;
                            /** @enum {string} */
                            kind: "github-app";
                            /** @description Identifier of the nearest in the scope itself or further out; `org.` and `account.` before it name the very place */
                            privateKey: string;
                            repositories?: string[];
                        } | {
                            /** @description Where it signs in; default: https://login.microsoftonline.com */
                            authority?: string;
                            /** Format: uuid */
                            clientId: string;
                            /** @enum {string} */
                            kind: "azure-entra";
                            /** @description Identifier of the nearest in the scope itself or further out; `org.` and `account.` before it name the very place */
                            secret: string;
                            tenant: string;
                        };
                        /** @description Where the host’s API is; default: where the provider has it, judged by the repository’s URL */
                        apiUrl?: string;
                        /** @enum {string} */
                        connectivity: "delegate";
                        /** @description What Git is shown. Secrets by name: `basic` has a user name and a password, or where a store has it; `token` a token; `oauth2`, `github-app` and `azure-entra` are exchanged for short-lived tokens; `ssh` has a private key */
                        credential?: {
                            /** @enum {string} */
                            kind?: "basic";
                            /** @description Identifier of the nearest in the scope itself or further out; `org.` and `account.` before it name the very place */
                            secret: string;
                            username: string;
                        } | {
                            /** @enum {string} */
                            kind?: "basic";
                            /** @description Where a store has the value: `vault-kv://<secret manager>/<path>[?version=…][#<field>]`, likewise `aws-secrets-manager://`, `gcp-secret-manager://`, `azure-key-vault://`; percent-encoded where need be */
                            reference: string;
                            username: string;
                        } | {
                            /** @enum {string} */
                            kind: "token";
                            /** @description Identifier of the nearest in the scope itself or further out; `org.` and `account.` before it name the very place */
                            secret: string;
                            /** @description Beside the token; default: what the provider’s hosts take */
                            username?: string;
                        } | {
                            clientId: string;
                            /** @description Identifier of the nearest in the scope itself or further out; `org.` and `account.` before it name the very place */
                            clientSecret: string;
                            /** @enum {string} */
                            kind: "oauth2";
                            /** @description Identifier of the nearest in the scope itself or further out; `org.` and `account.` before it name the very place */
                            refreshToken: string;
                            /** @description Where the refresh token is exchanged */
                            tokenUrl: string;
                        } | {
                            appId: string;
                            installationId: string;
                            /** @enum {string} */
                            kind: "github-app";
                            /** @description Identifier of the nearest in the scope itself or further out; `org.` and `account.` before it name the very place */
                            privateKey: string;
                            repositories?: string[];
                        } | {
                            /** @description Where it signs in; default: https://login.microsoftonline.com */
                            authority?: string;
                            /** Format: uuid */
                            clientId: string;
                            /** @enum {string} */
                            kind: "azure-entra";
                            /** @description Identifier of the nearest in the scope itself or further out; `org.` and `account.` before it name the very place */
                            secret: string;
                            tenant: string;
                        } | {
                            /** @enum {string} */
                            kind: "ssh";
                            /** @description Identifier of the nearest in the scope itself or further out; `org.` and `account.` before it name the very place */
                            passphrase?: string;
                            /** @description Identifier of the nearest in the scope itself or further out; `org.` and `account.` before it name the very place */
                            privateKey: string;
                            /** @description Default: the user of the URL, or `git` */
                            username?: string;
                        };
                        /** @description The one delegate group that may serve it; default: any in its scope or further out */
                        group?: string;
                        /** @description Lines of known_hosts with the keys of the SSH host; needed for SSH, refused for others */
                        knownHosts?: string;
                        /**
                         * @description The Git host product; default: `generic`, plain Git
                         * @enum {string}
                         */
                        provider?: "github" | "gitlab" | "bitbucket-cloud" | "bitbucket-dc" | "gitea" | "forgejo" | "gogs" | "azure" | "generic";
                        /** @description A delegate that serves it has all of these */
                        tags?: string[];
                        /** @description For hosts that not everybody believes, that ask who comes, or that are behind a proxy. Certificates are always verified */
                        trust?: {
                            /** @description Certificates in PEM that are believed, besides the usual */
                            ca?: string;
                            /** @description In PEM; what a host that asks is shown */
                            clientCertificate?: string;
                            /** @description Secret with the certificate’s private key in PEM */
                            clientKey?: string;
                            /** @description Hosts that are reached without the proxy */
                            noProxy?: string[];
                            /** @description Secret with the proxy’s password */
                            proxyPassword?: string;
                            /** @description HTTP proxy, without user-info */
                            proxyUrl?: string;
                            proxyUsername?: string;
                        };
                        /** @description Repository URL, without user-info; with connectivity `delegate` also `ssh://[user@]host[:port]/path` or `user@host:path` */
                        url: string;
                    };
                };
            };
            responses: {
                /** @description Create or replace a connector */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Connector"];
                    };
                };
                /** @description Create or replace a connector */
                201: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Connector"];
                    };
                };
                /** @description What was refused, and why */
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        post?: never;
        /** Delete a connector that no entity uses */
        delete: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description Identifier: [A-Za-z_][A-Za-z0-9_$-]{0,127} */
                    id: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description Done */
                204: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
                /** @description What was refused, and why */
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/connectors/{id}/check": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Try a connector: reach, authenticate, read, write */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description Identifier: [A-Za-z_][A-Za-z0-9_$-]{0,127} */
                    id: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description Try a connector: reach, authenticate, read, write */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["ConnectorCheck"];
                    };
                };
                /** @description What was refused, and why */
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/connectors/{id}/drift": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Compare the copy with what Git has, whatever was followed */
        get: {
            parameters: {
                query?: {
                    /** @description Branch name, as git check-ref-format --branch takes it, at most 250 bytes */
                    branch?: string;
                    cursor?: string;
                };
                header?: never;
                path: {
                    /** @description Identifier: [A-Za-z_][A-Za-z0-9_$-]{0,127} */
                    id: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description Compare the copy with what Git has, whatever was followed */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Drift"];
                    };
                };
                /** @description What was refused, and why */
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/connectors/{id}/drift/repair": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Bring the copy to what Git has by a comparison of the whole, and the webhook to what was registered; nothing is written to Git */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description Identifier: [A-Za-z_][A-Za-z0-9_$-]{0,127} */
                    id: string;
                };
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": components["schemas"]["DriftRepairWrite"];
                };
            };
            responses: {
                /** @description Bring the copy to what Git has by a comparison of the whole, and the webhook to what was registered; nothing is written to Git */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["DriftRepair"];
                    };
                };
                /** @description What was refused, and why */
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/connectors/{id}/pull-requests": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List the pull requests of a connector, newest first */
        get: {
            parameters: {
                query?: {
                    cursor?: string;
                    limit?: string;
                    /** @description `wanted`: not open yet, and tried; `failed`: not tried any more, until `retry` */
                    state?: "wanted" | "open" | "failed" | "merged" | "closed";
                };
                header?: never;
                path: {
                    /** @description Identifier: [A-Za-z_][A-Za-z0-9_$-]{0,127} */
                    id: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description List the pull requests of a connector, newest first */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["PullRequestPage"];
                    };
                };
                /** @description What was refused, and why */
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/connectors/{id}/rename": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Say that a connector’s repository was renamed or moved: all that is kept of it comes along */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description Identifier: [A-Za-z_][A-Za-z0-9_$-]{0,127} */
                    id: string;
                };
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": components["schemas"]["ConnectorRename"];
                };
            };
            responses: {
                /** @description Say that a connector’s repository was renamed or moved: all that is kept of it comes along */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["ConnectorRenamed"];
                    };
                };
                /** @description What was refused, and why */
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/connectors/{id}/tracking": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Read what of a connector’s repository is followed, and how far */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description Identifier: [A-Za-z_][A-Za-z0-9_$-]{0,127} */
                    id: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description Read what of a connector’s repository is followed, and how far */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Tracking"];
                    };
                };
                /** @description What was refused, and why */
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        /** Follow a connector’s repository, or change what of it is followed */
        put: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description Identifier: [A-Za-z_][A-Za-z0-9_$-]{0,127} */
                    id: string;
                };
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": components["schemas"]["TrackingWrite"];
                };
            };
            responses: {
                /** @description Follow a connector’s repository, or change what of it is followed */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Tracking"];
                    };
                };
                /** @description Follow a connector’s repository, or change what of it is followed */
                201: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Tracking"];
                    };
                };
                /** @description What was refused, and why */
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        post?: never;
        /** Follow the repository no longer; copies stay */
        delete: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description Identifier: [A-Za-z_][A-Za-z0-9_$-]{0,127} */
                    id: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description Done */
                204: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
                /** @description What was refused, and why */
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/connectors/{id}/tracking/poll": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Look at the repository now */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description Identifier: [A-Za-z_][A-Za-z0-9_$-]{0,127} */
                    id: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description Look at the repository now */
                202: {
                    headers: {
                        /** @description Where to look for what becomes of it */
                        Location: string;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Tracking"];
                    };
                };
                /** @description What was refused, and why */
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/connectors/{id}/tracking/problems": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List tracked files that are no valid entities, or whose change is not allowed from Git */
        get: {
            parameters: {
                query?: {
                    /** @description Branch name, as git check-ref-format --branch takes it, at most 250 bytes */
                    branch?: string;
                    cursor?: string;
                    limit?: string;
                };
                header?: never;
                path: {
                    /** @description Identifier: [A-Za-z_][A-Za-z0-9_$-]{0,127} */
                    id: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description List tracked files that are no valid entities, or whose change is not allowed from Git */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["FileProblemPage"];
                    };
                };
                /** @description What was refused, and why */
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/connectors/{id}/webhook": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Read the webhook of a connector */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description Identifier: [A-Za-z_][A-Za-z0-9_$-]{0,127} */
                    id: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description Read the webhook of a connector */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Webhook"];
                    };
                };
                /** @description What was refused, and why */
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        /** Give a connector a webhook, or its webhook other secrets */
        put: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description Identifier: [A-Za-z_][A-Za-z0-9_$-]{0,127} */
                    id: string;
                };
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": {
                        /** @description Builtin secrets, each of which proves a delivery; two while one takes the place of the other. Default: those it has, or one that is made for it */
                        secrets?: string[];
                    };
                };
            };
            responses: {
                /** @description Give a connector a webhook, or its webhook other secrets */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Webhook"];
                    };
                };
                /** @description Give a connector a webhook, or its webhook other secrets */
                201: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Webhook"];
                    };
                };
                /** @description What was refused, and why */
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        post?: never;
        /** Delete the webhook of a connector, with its deliveries and the secret that was made for it, and at the host where it lets us */
        delete: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description Identifier: [A-Za-z_][A-Za-z0-9_$-]{0,127} */
                    id: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description Done */
                204: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
                /** @description What was refused, and why */
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/connectors/{id}/webhook/deliveries": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List the deliveries, newest first */
        get: {
            parameters: {
                query?: {
                    cursor?: string;
                    limit?: string;
                };
                header?: never;
                path: {
                    /** @description Identifier: [A-Za-z_][A-Za-z0-9_$-]{0,127} */
                    id: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description List the deliveries, newest first */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["WebhookDeliveryPage"];
                    };
                };
                /** @description What was refused, and why */
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/connectors/{id}/webhook/deliveries/{delivery}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Read a delivery */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    delivery: string;
                    /** @description Identifier: [A-Za-z_][A-Za-z0-9_$-]{0,127} */
                    id: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description Read a delivery */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["WholeWebhookDelivery"];
                    };
                };
                /** @description What was refused, and why */
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/connectors/{id}/webhook/deliveries/{delivery}/replay": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Process a delivery again */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    delivery: string;
                    /** @description Identifier: [A-Za-z_][A-Za-z0-9_$-]{0,127} */
                    id: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description Process a delivery again */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["WholeWebhookDelivery"];
                    };
                };
                /** @description What was refused, and why */
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/connectors/{id}/webhook/register": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Register the webhook at its host, or repair it there */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description Identifier: [A-Za-z_][A-Za-z0-9_$-]{0,127} */
                    id: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description Register the webhook at its host, or repair it there */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Webhook"];
                    };
                };
                /** @description What was refused, and why */
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/delegate-groups": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List the delegate groups that serve a scope, with their keys and what is changing of them */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description List the delegate groups that serve a scope, with their keys and what is changing of them */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["DelegateGroups"];
                    };
                };
                /** @description What was refused, and why */
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/delegate-groups/{group}/rotate": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Change the keys of a delegate group; asked again, goes on with it */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    group: string;
                };
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": {
                        /** @description What is made anew; default: all */
                        keys?: ("sealing" | "keyring")[];
                    };
                };
            };
            responses: {
                /** @description Change the keys of a delegate group; asked again, goes on with it */
                202: {
                    headers: {
                        /** @description Where to look for what becomes of it */
                        Location: string;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["DelegateGroup"];
                    };
                };
                /** @description What was refused, and why */
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/delegate-tokens": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List the delegate tokens of a scope */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description List the delegate tokens of a scope */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["DelegateTokens"];
                    };
                };
                /** @description What was refused, and why */
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        put?: never;
        /** Make a token with which delegates enrol */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": {
                        /** @description Default: an hour */
                        expiresInSeconds?: number;
                        /** @description Group the delegates join; made where there is none in this scope */
                        group: string;
                        /** @description How many delegates may enrol; default 1 */
                        uses?: number;
                    };
                };
            };
            responses: {
                /** @description Make a token with which delegates enrol */
                201: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["NewDelegateToken"];
                    };
                };
                /** @description What was refused, and why */
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/delegate-tokens/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /** Revoke a delegate token; who has enrolled with it goes on */
        delete: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    id: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description Done */
                204: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
                /** @description What was refused, and why */
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/delegates": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List the delegates that serve a scope */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description List the delegates that serve a scope */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Delegates"];
                    };
                };
                /** @description What was refused, and why */
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/delegates/{id}/disable": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Give a delegate no tasks */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    id: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description Give a delegate no tasks */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Delegate"];
                    };
                };
                /** @description What was refused, and why */
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/delegates/{id}/drain": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Let a delegate finish what it has begun, and give what it has not to others */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    id: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description Let a delegate finish what it has begun, and give what it has not to others */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Delegate"];
                    };
                };
                /** @description What was refused, and why */
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/delegates/{id}/enable": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Let a delegate take tasks */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    id: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description Let a delegate take tasks */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Delegate"];
                    };
                };
                /** @description What was refused, and why */
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/delegates/{id}/revoke": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Cut a delegate off for good; its tasks go to others */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    id: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description Cut a delegate off for good; its tasks go to others */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Delegate"];
                    };
                };
                /** @description What was refused, and why */
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/entities": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List the entities of a scope */
        get: {
            parameters: {
                query?: {
                    /** @description Branch name, as git check-ref-format --branch takes it, at most 250 bytes */
                    branch?: string;
                    cursor?: string;
                    /** @description Identifier: [A-Za-z_][A-Za-z0-9_$-]{0,127} */
                    kind?: string;
                    limit?: string;
                    /** @description What the id holds, in capitals or small letters */
                    search?: string;
                    store?: "git" | "inline";
                };
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description List the entities of a scope */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["EntityPage"];
                    };
                };
                /** @description What was refused, and why */
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/entities/{kind}/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Read an entity */
        get: {
            parameters: {
                query?: {
                    /** @description Branch name, as git check-ref-format --branch takes it, at most 250 bytes */
                    branch?: string;
                    /** @description As it stood in this commit, from Git; goes with nothing else */
                    commit?: string;
                    /** @description `cached` (default): the copy; `verify`: the copy, held against Git; `reload`: Git’s word, taken into the copy. The latter two also read where there is no copy */
                    freshness?: "cached" | "verify" | "reload";
                };
                header?: never;
                path: {
                    /** @description Identifier: [A-Za-z_][A-Za-z0-9_$-]{0,127} */
                    id: string;
                    /** @description Identifier: [A-Za-z_][A-Za-z0-9_$-]{0,127} */
                    kind: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description Read an entity */
                200: {
                    headers: {
                        /** @description The blob id in quotes, for If-Match */
                        ETag: string;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Entity"];
                    };
                };
                /** @description What was refused, and why */
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        /** Save an entity */
        put: {
            parameters: {
                query?: {
                    /** @description E-mail address of the commit's author */
                    authorEmail?: string;
                    /** @description Name of the commit's author */
                    authorName?: string;
                    /** @description Branch name, as git check-ref-format --branch takes it, at most 250 bytes */
                    branch?: string;
                    /** @description Identifier: [A-Za-z_][A-Za-z0-9_$-]{0,127} */
                    connector?: string;
                    /** @description Commit message, 1 byte to 64 KiB; a trailer naming the operation is added */
                    message?: string;
                    /** @description Branch name, as git check-ref-format --branch takes it, at most 250 bytes */
                    newBranchFrom?: string;
                    /** @description Relative path ending in .yaml or .yml, at most 1024 bytes */
                    path?: string;
                    /** @description `true`: open a pull request of the branch */
                    pullRequest?: "true";
                    pullRequestBody?: string;
                    pullRequestDraft?: "true" | "false";
                    /** @description Default: what the branch begins or began from, or the default branch of the repository */
                    pullRequestInto?: string;
                    /** @description Names, separated by commas */
                    pullRequestReviewers?: string;
                    /** @description Default: the first line of the commit message */
                    pullRequestTitle?: string;
                    /** @description `inline`: in Sallyport alone, without Git. Without it: where the entity is; a new one in Git */
                    store?: "git" | "inline";
                };
                header?: {
                    /** @description Makes a retry harmless; remembered for seven days */
                    "Idempotency-Key"?: string;
                    /** @description ETag the change was made from; anything else at its place is a conflict */
                    "If-Match"?: string;
                    /** @description `*`: only create */
                    "If-None-Match"?: string;
                    /** @description `wait=N`: seconds to wait for the commit before answering 202 */
                    Prefer?: string;
                };
                path: {
                    /** @description Identifier: [A-Za-z_][A-Za-z0-9_$-]{0,127} */
                    id: string;
                    /** @description Identifier: [A-Za-z_][A-Za-z0-9_$-]{0,127} */
                    kind: string;
                };
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": components["schemas"]["Save"];
                    "application/yaml": string;
                };
            };
            responses: {
                /** @description Save an entity */
                200: {
                    headers: {
                        /** @description The blob id in quotes, for If-Match */
                        ETag: string;
                        /** @description The pull request, where it is not open yet */
                        Location?: string;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["SavedEntity"];
                    };
                };
                /** @description Save an entity */
                201: {
                    headers: {
                        /** @description The blob id in quotes, for If-Match */
                        ETag: string;
                        /** @description The pull request, where it is not open yet */
                        Location?: string;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["SavedEntity"];
                    };
                };
                /** @description Save an entity */
                202: {
                    headers: {
                        /** @description Where to look for what becomes of it */
                        Location: string;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Operation"];
                    };
                };
                /** @description What was refused, and why */
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        post?: never;
        /** Delete an entity and its file */
        delete: {
            parameters: {
                query?: {
                    /** @description E-mail address of the commit's author */
                    authorEmail?: string;
                    /** @description Name of the commit's author */
                    authorName?: string;
                    /** @description Branch name, as git check-ref-format --branch takes it, at most 250 bytes */
                    branch?: string;
                    /** @description Commit message, 1 byte to 64 KiB; a trailer naming the operation is added */
                    message?: string;
                    /** @description `true`: open a pull request of the branch */
                    pullRequest?: "true";
                    pullRequestBody?: string;
                    pullRequestDraft?: "true" | "false";
                    /** @description Default: what the branch begins or began from, or the default branch of the repository */
                    pullRequestInto?: string;
                    /** @description Names, separated by commas */
                    pullRequestReviewers?: string;
                    /** @description Default: the first line of the commit message */
                    pullRequestTitle?: string;
                    /** @description `inline`: in Sallyport alone, without Git. Without it: where the entity is; a new one in Git */
                    store?: "git" | "inline";
                };
                header?: {
                    /** @description Makes a retry harmless; remembered for seven days */
                    "Idempotency-Key"?: string;
                    /** @description ETag the change was made from; anything else at its place is a conflict */
                    "If-Match"?: string;
                    /** @description `*`: only create */
                    "If-None-Match"?: string;
                    /** @description `wait=N`: seconds to wait for the commit before answering 202 */
                    Prefer?: string;
                };
                path: {
                    /** @description Identifier: [A-Za-z_][A-Za-z0-9_$-]{0,127} */
                    id: string;
                    /** @description Identifier: [A-Za-z_][A-Za-z0-9_$-]{0,127} */
                    kind: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description Delete an entity and its file */
                200: {
                    headers: {
                        /** @description The pull request, where it is not open yet */
                        Location?: string;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Deletion"];
                    };
                };
                /** @description Delete an entity and its file */
                202: {
                    headers: {
                        /** @description Where to look for what becomes of it */
                        Location: string;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Operation"];
                    };
                };
                /** @description What was refused, and why */
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/entities/{kind}/{id}/compare": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Compare an entity between two branches or commits, as Git has it */
        get: {
            parameters: {
                query: {
                    /** @description A branch, or a commit by its full id */
                    from: string;
                    /** @description A branch, or a commit by its full id */
                    to: string;
                };
                header?: never;
                path: {
                    /** @description Identifier: [A-Za-z_][A-Za-z0-9_$-]{0,127} */
                    id: string;
                    /** @description Identifier: [A-Za-z_][A-Za-z0-9_$-]{0,127} */
                    kind: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description Compare an entity between two branches or commits, as Git has it */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Comparison"];
                    };
                };
                /** @description What was refused, and why */
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/entities/{kind}/{id}/history": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List the commits that changed an entity, newest first, as Git has them */
        get: {
            parameters: {
                query?: {
                    /** @description Branch name, as git check-ref-format --branch takes it, at most 250 bytes */
                    branch?: string;
                    cursor?: string;
                    limit?: string;
                };
                header?: never;
                path: {
                    /** @description Identifier: [A-Za-z_][A-Za-z0-9_$-]{0,127} */
                    id: string;
                    /** @description Identifier: [A-Za-z_][A-Za-z0-9_$-]{0,127} */
                    kind: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description List the commits that changed an entity, newest first, as Git has them */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["EntityHistory"];
                    };
                };
                /** @description What was refused, and why */
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/events": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Read the events of a scope and what is below it: a page, or, with Accept: text/event-stream, a stream of server-sent events */
        get: {
            parameters: {
                query?: {
                    /** @description A cursor of events, or `start` for all that are kept */
                    after?: string;
                    /** @description Branch name, as git check-ref-format --branch takes it, at most 250 bytes */
                    branch?: string;
                    /** @description Identifier: [A-Za-z_][A-Za-z0-9_$-]{0,127} */
                    kind?: string;
                    /** @description Of a page; a stream has none */
                    limit?: string;
                    /** @description Types, or groups such as `entity.*`, with commas */
                    types?: string;
                };
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description Read the events of a scope and what is below it: a page, or, with Accept: text/event-stream, a stream of server-sent events */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["EventPage"];
                    };
                };
                /** @description What was refused, and why */
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/explain": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Explain who would carry a save through a connector, and why nobody else */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": {
                        /** @description Connector that a save would name */
                        connector: string;
                    };
                };
            };
            responses: {
                /** @description Explain who would carry a save through a connector, and why nobody else */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Explanation"];
                    };
                };
                /** @description What was refused, and why */
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/identity-providers": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List where the users of an account come from */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description List where the users of an account come from */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["IdentityProviders"];
                    };
                };
                /** @description What was refused, and why */
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/identity-providers/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Read an identity provider */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description Identifier: [A-Za-z_][A-Za-z0-9_$-]{0,127} */
                    id: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description Read an identity provider */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["IdentityProvider"];
                    };
                };
                /** @description What was refused, and why */
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        /** Let users of an OpenID Connect provider sign in; with another issuer, those of before leave */
        put: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description Identifier: [A-Za-z_][A-Za-z0-9_$-]{0,127} */
                    id: string;
                };
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": {
                        clientId: string;
                        /**
                         * @description The claim that lists a user’s groups
                         * @default groups
                         */
                        groupsClaim?: string;
                        /** @description Where `.well-known/openid-configuration` is below */
                        issuer: string;
                        /** @description As the page shows it; default: its identifier */
                        name?: string;
                        /**
                         * @default [
                         *       "profile",
                         *       "email"
                         *     ]
                         */
                        scopes?: string[];
                        /** @description A builtin secret of the account; without it the client is a public one */
                        secret?: string;
                    };
                };
            };
            responses: {
                /** @description Let users of an OpenID Connect provider sign in; with another issuer, those of before leave */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["IdentityProvider"];
                    };
                };
                /** @description Let users of an OpenID Connect provider sign in; with another issuer, those of before leave */
                201: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["IdentityProvider"];
                    };
                };
                /** @description What was refused, and why */
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        post?: never;
        /** Let nobody sign in by it any more; whoever came by it is signed out */
        delete: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description Identifier: [A-Za-z_][A-Za-z0-9_$-]{0,127} */
                    id: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description Done */
                204: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
                /** @description What was refused, and why */
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/kinds": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List the kinds of an account without their schemas, those made first first */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description List the kinds of an account without their schemas, those made first first */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Kinds"];
                    };
                };
                /** @description What was refused, and why */
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/kinds/{kind}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Read a kind */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description Identifier: [A-Za-z_][A-Za-z0-9_$-]{0,127} */
                    kind: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description Read a kind */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Kind"];
                    };
                };
                /** @description What was refused, and why */
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        /** Create or replace a kind */
        put: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description Identifier: [A-Za-z_][A-Za-z0-9_$-]{0,127} */
                    kind: string;
                };
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": {
                        /** @description Where documents name the entity that they are; what one says there must be so */
                        identity?: {
                            id?: string;
                            org?: string;
                            project?: string;
                        };
                        /** @description Path with placeholders {account} {org} {project} {kind} {id}; holds {id} */
                        pathTemplate: string;
                        /** @description JSON Schema, 2020-12 */
                        schema: {
                            [key: string]: unknown;
                        };
                    };
                };
            };
            responses: {
                /** @description Create or replace a kind */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Kind"];
                    };
                };
                /** @description Create or replace a kind */
                201: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Kind"];
                    };
                };
                /** @description What was refused, and why */
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/members": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List the users who have signed in, the last one first; a thousand at most */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description List the users who have signed in, the last one first; a thousand at most */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Members"];
                    };
                };
                /** @description What was refused, and why */
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/members/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /** Sign a user out everywhere and forget them; the provider decides whether they may come back */
        delete: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    id: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description Done */
                204: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
                /** @description What was refused, and why */
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/moves": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List the moves of a scope, newest first */
        get: {
            parameters: {
                query?: {
                    /** @description From its repository, or to it */
                    connector?: string;
                    cursor?: string;
                    limit?: string;
                };
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description List the moves of a scope, newest first */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["MovePage"];
                    };
                };
                /** @description What was refused, and why */
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        put?: never;
        /** Move entities into Git, out of it or within it, or report what that would do */
        post: {
            parameters: {
                query?: never;
                header?: {
                    /** @description Makes a retry harmless; remembered for seven days */
                    "Idempotency-Key"?: string;
                    /** @description `wait=N`: seconds to wait for the move’s end before answering 202 */
                    Prefer?: string;
                };
                path?: never;
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": components["schemas"]["MoveWrite"];
                };
            };
            responses: {
                /** @description Move entities into Git, out of it or within it, or report what that would do */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Move"] | components["schemas"]["MoveReport"];
                    };
                };
                /** @description Move entities into Git, out of it or within it, or report what that would do */
                202: {
                    headers: {
                        /** @description Where to look for what becomes of it */
                        Location: string;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Move"];
                    };
                };
                /** @description What was refused, and why */
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/moves/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Read a move and how far it is */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    id: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description Read a move and how far it is */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Move"];
                    };
                };
                /** @description What was refused, and why */
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/moves/{id}/entities": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List the entities of a move, and what became of each */
        get: {
            parameters: {
                query?: {
                    cursor?: string;
                    limit?: string;
                    /** @description `adding`: its commit is to come; `removing`: it is there, and its old file is to go; `left`: it is there, and its old file is, too; `failed`: it is where it was; `same`: it was there already */
                    state?: "adding" | "removing" | "done" | "left" | "failed" | "same" | "blocked";
                };
                header?: never;
                path: {
                    id: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description List the entities of a move, and what became of each */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["MoveItemPage"];
                    };
                };
                /** @description What was refused, and why */
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/operations": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List the operations of a scope, newest first */
        get: {
            parameters: {
                query?: {
                    /** @description Leaves out what is inline */
                    branch?: string;
                    /** @description Leaves out what is inline */
                    connector?: string;
                    cursor?: string;
                    /** @description Id of the entity, with `kind` or of any kind */
                    entity?: string;
                    /** @description Of the entity; of a move, that of its first change */
                    kind?: string;
                    limit?: string;
                    state?: "pending" | "succeeded" | "conflict" | "failed" | "cancelled";
                };
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description List the operations of a scope, newest first */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["OperationPage"];
                    };
                };
                /** @description What was refused, and why */
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/operations/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Read an operation and what became of it */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    id: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description Read an operation and what became of it */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Operation"];
                    };
                };
                /** @description What was refused, and why */
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/operations/{id}/cancel": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Cancel an operation that waits, and of which nothing is on its way to Git */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    id: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description Cancel an operation that waits, and of which nothing is on its way to Git */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Operation"];
                    };
                };
                /** @description What was refused, and why */
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/pull-requests/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Read a pull request and how it stands */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    id: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description Read a pull request and how it stands */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["PullRequest"];
                    };
                };
                /** @description What was refused, and why */
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/pull-requests/{id}/close": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Close a pull request without merging it, or give up one that is not open yet */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    id: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description Close a pull request without merging it, or give up one that is not open yet */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["PullRequest"];
                    };
                };
                /** @description What was refused, and why */
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/pull-requests/{id}/retry": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Try again to open a pull request that failed, or ask the host how one stands */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    id: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description Try again to open a pull request that failed, or ask the host how one stands */
                202: {
                    headers: {
                        /** @description Where to look for what becomes of it */
                        Location: string;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["PullRequest"];
                    };
                };
                /** @description What was refused, and why */
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/role-bindings": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List who has which role in a scope; what is given further out holds here as well */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description List who has which role in a scope; what is given further out holds here as well */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["RoleBindings"];
                    };
                };
                /** @description What was refused, and why */
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/role-bindings/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Read who has the role */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description Identifier: [A-Za-z_][A-Za-z0-9_$-]{0,127} */
                    id: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description Read who has the role */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["RoleBinding"];
                    };
                };
                /** @description What was refused, and why */
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        /** Give a user or a group a role in this scope and in all that is below it */
        put: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description Identifier: [A-Za-z_][A-Za-z0-9_$-]{0,127} */
                    id: string;
                };
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": {
                        /** @description A user by the address that an identity provider has verified, or all that it says are in a group */
                        principal: {
                            /** @enum {string} */
                            kind: "user" | "group";
                            name: string;
                        };
                        /** @description Identifier: [A-Za-z_][A-Za-z0-9_$-]{0,127} */
                        role: string;
                    };
                };
            };
            responses: {
                /** @description Give a user or a group a role in this scope and in all that is below it */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["RoleBinding"];
                    };
                };
                /** @description Give a user or a group a role in this scope and in all that is below it */
                201: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["RoleBinding"];
                    };
                };
                /** @description What was refused, and why */
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        post?: never;
        /** Take the role away, from the next request on */
        delete: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description Identifier: [A-Za-z_][A-Za-z0-9_$-]{0,127} */
                    id: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description Done */
                204: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
                /** @description What was refused, and why */
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/roles": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List the roles of an account, the builtin ones first */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description List the roles of an account, the builtin ones first */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Roles"];
                    };
                };
                /** @description What was refused, and why */
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/roles/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Read a role */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description Identifier: [A-Za-z_][A-Za-z0-9_$-]{0,127} */
                    id: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description Read a role */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Role"];
                    };
                };
                /** @description What was refused, and why */
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        /** Create or change a role of the account; whoever has it has it so from the next request on */
        put: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description Identifier: [A-Za-z_][A-Za-z0-9_$-]{0,127} */
                    id: string;
                };
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": {
                        /** @default A role of this account */
                        description?: string;
                        permissions: ("scope.view" | "scope.manage" | "entity.view" | "entity.edit" | "kind.view" | "kind.manage" | "connector.view" | "connector.use" | "connector.manage" | "secret.view" | "secret.manage" | "secret.use" | "secret.force" | "delegate.view" | "delegate.manage" | "event.view" | "subscription.view" | "subscription.manage" | "access.view" | "access.manage" | "audit.view")[];
                    };
                };
            };
            responses: {
                /** @description Create or change a role of the account; whoever has it has it so from the next request on */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Role"];
                    };
                };
                /** @description Create or change a role of the account; whoever has it has it so from the next request on */
                201: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Role"];
                    };
                };
                /** @description What was refused, and why */
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        post?: never;
        /** Delete a role of the account that nobody has */
        delete: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description Identifier: [A-Za-z_][A-Za-z0-9_$-]{0,127} */
                    id: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description Done */
                204: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
                /** @description What was refused, and why */
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/scopes": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List the scopes of an account that the caller may read, with those around them */
        get: {
            parameters: {
                query?: {
                    cursor?: string;
                    limit?: string;
                };
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description List the scopes of an account that the caller may read, with those around them */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Scopes"];
                    };
                };
                /** @description What was refused, and why */
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/secret-audit": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List who opened the secrets of a scope and within, newest first */
        get: {
            parameters: {
                query?: {
                    /** @description As in a record, or the token’s name alone */
                    actor?: string;
                    cursor?: string;
                    limit?: string;
                    /** @description Identifier: [A-Za-z_][A-Za-z0-9_$-]{0,127} */
                    secret?: string;
                    since?: string;
                    until?: string;
                };
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description List who opened the secrets of a scope and within, newest first */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["SecretAuditPage"];
                    };
                };
                /** @description What was refused, and why */
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/secret-managers": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List the secret managers of a scope */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description List the secret managers of a scope */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            secretManagers: components["schemas"]["SecretManager"][];
                        };
                    };
                };
                /** @description What was refused, and why */
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/secret-managers/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Read a secret manager */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description Identifier: [A-Za-z_][A-Za-z0-9_$-]{0,127} */
                    id: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description Read a secret manager */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["SecretManager"];
                    };
                };
                /** @description What was refused, and why */
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        /** Create or change a secret manager; its kind stays */
        put: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description Identifier: [A-Za-z_][A-Za-z0-9_$-]{0,127} */
                    id: string;
                };
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": {
                        /** @description Builtin secret it signs in with; default: the delegate’s own identity */
                        credential?: string;
                        /** @description The one delegate group that may serve it; default: any in its scope or further out */
                        group?: string;
                        /** @description By kind, as docs/reference/secret-managers.md lists them */
                        settings: {
                            /** @enum {string} */
                            kind: "keyring";
                        } | {
                            ca?: string;
                            endpoint?: string;
                            key: string;
                            /** @enum {string} */
                            kind: "aws-kms";
                            region: string;
                            role?: {
                                arn: string;
                                externalId?: string;
                            };
                            stsEndpoint?: string;
                        } | {
                            ca?: string;
                            endpoint?: string;
                            key: string;
                            /** @enum {string} */
                            kind: "gcp-kms";
                            tokenEndpoint?: string;
                        } | {
                            address: string;
                            auth: {
                                /** @enum {string} */
                                method: "token";
                            } | {
                                /** @enum {string} */
                                method: "approle";
                                /** @default approle */
                                mount?: string;
                                roleId: string;
                            } | {
                                /** @enum {string} */
                                method: "kubernetes";
                                /** @default kubernetes */
                                mount?: string;
                                role: string;
                            };
                            ca?: string;
                            key: string;
                            /** @enum {string} */
                            kind: "vault-transit";
                            /** @default transit */
                            mount?: string;
                            namespace?: string;
                        } | {
                            address: string;
                            auth: {
                                /** @enum {string} */
                                method: "token";
                            } | {
                                /** @enum {string} */
                                method: "approle";
                                /** @default approle */
                                mount?: string;
                                roleId: string;
                            } | {
                                /** @enum {string} */
                                method: "kubernetes";
                                /** @default kubernetes */
                                mount?: string;
                                role: string;
                            };
                            ca?: string;
                            /** @enum {string} */
                            kind: "vault-kv";
                            /** @default secret */
                            mount?: string;
                            namespace?: string;
                            /** @default sallyport */
                            prefix?: string;
                        } | {
                            ca?: string;
                            endpoint?: string;
                            /** @enum {string} */
                            kind: "aws-secrets-manager";
                            /** @default sallyport */
                            prefix?: string;
                            region: string;
                            role?: {
                                arn: string;
                                externalId?: string;
                            };
                            stsEndpoint?: string;
                        } | {
                            ca?: string;
                            endpoint?: string;
                            /** @enum {string} */
                            kind: "gcp-secret-manager";
                            /** @default sallyport */
                            prefix?: string;
                            project: string;
                            tokenEndpoint?: string;
                        } | {
                            authority?: string;
                            ca?: string;
                            /** Format: uuid */
                            client?: string;
                            /** @enum {string} */
                            kind: "azure-key-vault";
                            /** @default sallyport */
                            prefix?: string;
                            /** Format: uuid */
                            tenant?: string;
                            vault: string;
                        };
                        /** @description A delegate that serves it has all of these */
                        tags?: string[];
                    };
                };
            };
            responses: {
                /** @description Create or change a secret manager; its kind stays */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["SecretManager"];
                    };
                };
                /** @description Create or change a secret manager; its kind stays */
                201: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["SecretManager"];
                    };
                };
                /** @description What was refused, and why */
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        post?: never;
        /** Delete a secret manager that keeps nothing and that nothing refers to */
        delete: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description Identifier: [A-Za-z_][A-Za-z0-9_$-]{0,127} */
                    id: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description Done */
                204: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
                /** @description What was refused, and why */
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/secret-managers/{id}/check": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Try a secret manager from a delegate; nothing changes there */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description Identifier: [A-Za-z_][A-Za-z0-9_$-]{0,127} */
                    id: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description Try a secret manager from a delegate; nothing changes there */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["SecretManagerCheck"];
                    };
                };
                /** @description What was refused, and why */
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/secret-managers/{id}/keys": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List the keys that wrap what a secret manager keeps in this scope and within */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description Identifier: [A-Za-z_][A-Za-z0-9_$-]{0,127} */
                    id: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description List the keys that wrap what a secret manager keeps in this scope and within */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["KeyList"];
                    };
                };
                /** @description What was refused, and why */
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/secret-managers/{id}/keys/reinstate": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Take secrets again that a retired key wrapped */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description Identifier: [A-Za-z_][A-Za-z0-9_$-]{0,127} */
                    id: string;
                };
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": {
                        key: string;
                    };
                };
            };
            responses: {
                /** @description Done */
                204: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
                /** @description What was refused, and why */
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/secret-managers/{id}/keys/retire": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Take no more secrets that this key wrapped; refused while any depends on it */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description Identifier: [A-Za-z_][A-Za-z0-9_$-]{0,127} */
                    id: string;
                };
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": {
                        key: string;
                    };
                };
            };
            responses: {
                /** @description Done */
                204: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
                /** @description What was refused, and why */
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/secret-managers/{id}/sealing-key": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Read whom to seal a value to that this secret manager is to keep */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description Identifier: [A-Za-z_][A-Za-z0-9_$-]{0,127} */
                    id: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description Read whom to seal a value to that this secret manager is to keep */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["SealingKey"];
                    };
                };
                /** @description What was refused, and why */
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/secret-managers/{id}/uses": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List the secrets that a secret manager keeps, and the connectors that refer to a value in it */
        get: {
            parameters: {
                query?: {
                    limit?: string;
                };
                header?: never;
                path: {
                    /** @description Identifier: [A-Za-z_][A-Za-z0-9_$-]{0,127} */
                    id: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description List the secrets that a secret manager keeps, and the connectors that refer to a value in it */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Uses"];
                    };
                };
                /** @description What was refused, and why */
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/secret-operations": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List the operations on secrets of a scope, newest first */
        get: {
            parameters: {
                query?: {
                    cursor?: string;
                    limit?: string;
                };
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description List the operations on secrets of a scope, newest first */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["SecretOperationPage"];
                    };
                };
                /** @description What was refused, and why */
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        put?: never;
        /** Rewrap, reencrypt or migrate one secret, or all that a secret manager keeps */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": {
                        /** @enum {string} */
                        action: "rewrap";
                        /** @description All that this secret manager keeps in the scope and within; or name one secret */
                        manager?: string;
                        /** @description The one secret of this very scope */
                        secret?: string;
                    } | {
                        /** @enum {string} */
                        action: "reencrypt";
                        /** @description All that this secret manager keeps in the scope and within; or name one secret */
                        manager?: string;
                        /** @description The one secret of this very scope */
                        secret?: string;
                    } | {
                        /** @enum {string} */
                        action: "migrate";
                        /** @description All that this secret manager keeps in the scope and within; or name one secret */
                        manager?: string;
                        /**
                         * @description Into a store: what to do where it has something at the path already
                         * @default replace
                         * @enum {string}
                         */
                        policy?: "replace" | "only-if-absent";
                        /**
                         * @description Needed to migrate into builtin: the manager sees the values from then on
                         * @default false
                         */
                        revealToManager?: boolean;
                        /** @description The one secret of this very scope */
                        secret?: string;
                        /** @description Secret manager that keeps them afterwards */
                        to: string;
                    };
                };
            };
            responses: {
                /** @description Rewrap, reencrypt or migrate one secret, or all that a secret manager keeps */
                202: {
                    headers: {
                        /** @description Where to look for what becomes of it */
                        Location: string;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["SecretOperation"];
                    };
                };
                /** @description What was refused, and why */
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/secret-operations/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Read how far an operation on secrets is, and what stands in its way */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    id: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description Read how far an operation on secrets is, and what stands in its way */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["SecretOperationDetails"];
                    };
                };
                /** @description What was refused, and why */
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/secret-operations/{id}/cancel": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Let go of what an operation on secrets has not done yet */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    id: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description Let go of what an operation on secrets has not done yet */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["SecretOperationDetails"];
                    };
                };
                /** @description What was refused, and why */
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/secret-operations/{id}/retry": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Try again what failed of an operation on secrets */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    id: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description Try again what failed of an operation on secrets */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["SecretOperationDetails"];
                    };
                };
                /** @description What was refused, and why */
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/secrets": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List the secrets of a scope, those first written first */
        get: {
            parameters: {
                query?: {
                    cursor?: string;
                    limit?: string;
                };
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description List the secrets of a scope, those first written first */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            nextCursor: string | null;
                            secrets: components["schemas"]["Secret"][];
                        };
                    };
                };
                /** @description What was refused, and why */
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/secrets/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Read what is known of a secret */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description Identifier: [A-Za-z_][A-Za-z0-9_$-]{0,127} */
                    id: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description Read what is known of a secret */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Secret"];
                    };
                };
                /** @description What was refused, and why */
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        /** Write a secret; its value is never read back */
        put: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description Identifier: [A-Za-z_][A-Za-z0-9_$-]{0,127} */
                    id: string;
                };
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": {
                        /**
                         * @default text
                         * @enum {string}
                         */
                        kind?: "text";
                        /** @enum {string} */
                        manager: "builtin";
                        value: string;
                    } | {
                        /** @enum {string} */
                        kind: "ssh-key";
                        /** @enum {string} */
                        manager: "builtin";
                        value: string;
                    } | {
                        /** @enum {string} */
                        kind: "file";
                        /** @enum {string} */
                        manager: "builtin";
                        /**
                         * Format: base64
                         * @description Content of a file, in base64
                         */
                        value: string;
                    } | {
                        envelope: {
                            /** @enum {string} */
                            format: "sallyport-1";
                            keyId: string;
                            payload: {
                                ciphertext: string;
                                commitment: string;
                                nonce: string;
                                salt: string;
                                tag: string;
                            };
                            /** Format: uuid */
                            version: string;
                            wrap: {
                                ciphertext: string;
                                nonce: string;
                                salt: string;
                                tag: string;
                            } | {
                                blob: string;
                            };
                        };
                        /**
                         * @default text
                         * @enum {string}
                         */
                        kind?: "text" | "file" | "ssh-key";
                        /** @description Identifier of the nearest in the scope itself or further out; `org.` and `account.` before it name the very place */
                        manager: string;
                    } | {
                        /**
                         * @default text
                         * @enum {string}
                         */
                        kind?: "text" | "file" | "ssh-key";
                        /** @description Identifier of the nearest in the scope itself or further out; `org.` and `account.` before it name the very place */
                        manager: string;
                        /** @description The value, sealed to the delegate group that …/sealing-key names */
                        sealed: {
                            box: string;
                            /** @description A public key of the suite */
                            enc: string;
                            /** @description Milliseconds since 1970; at most 15 minutes ahead */
                            expiresAt: number;
                            group: string;
                            /**
                             * @description By which it was sealed
                             * @default x25519
                             * @enum {string}
                             */
                            suite?: "x25519" | "p256";
                            /** Format: uuid */
                            version: string;
                        };
                    } | {
                        /**
                         * @default text
                         * @enum {string}
                         */
                        kind?: "text" | "file" | "ssh-key";
                        /** @description Identifier of the nearest in the scope itself or further out; `org.` and `account.` before it name the very place */
                        manager: string;
                        /** @description Where a store has the value */
                        reference: {
                            /** @description Member of a value that is a JSON object; default: the whole value */
                            field?: string;
                            /** @description As the store names it */
                            path: string;
                            /** @description As the store names it; default: the latest, whenever the secret is used */
                            version?: string;
                        };
                    };
                };
            };
            responses: {
                /** @description Write a secret; its value is never read back */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Secret"];
                    };
                };
                /** @description Write a secret; its value is never read back */
                201: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Secret"];
                    };
                };
                /** @description Write a secret; its value is never read back */
                202: {
                    headers: {
                        /** @description Where to look for what becomes of it */
                        Location: string;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["PendingSecret"];
                    };
                };
                /** @description What was refused, and why */
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        post?: never;
        /** Delete a secret that nothing uses, or by force one that is used */
        delete: {
            parameters: {
                query?: {
                    /** @description `true`: although it is used; takes the permission `secret.force` */
                    force?: "true" | "false";
                };
                header?: never;
                path: {
                    /** @description Identifier: [A-Za-z_][A-Za-z0-9_$-]{0,127} */
                    id: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description Done */
                204: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
                /** @description What was refused, and why */
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/secrets/{id}/access": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List who may open a secret now */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description Identifier: [A-Za-z_][A-Za-z0-9_$-]{0,127} */
                    id: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description List who may open a secret now */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["SecretAccess"];
                    };
                };
                /** @description What was refused, and why */
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/secrets/{id}/audit": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List who opened a secret, and what for, newest first */
        get: {
            parameters: {
                query?: {
                    cursor?: string;
                    limit?: string;
                };
                header?: never;
                path: {
                    /** @description Identifier: [A-Za-z_][A-Za-z0-9_$-]{0,127} */
                    id: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description List who opened a secret, and what for, newest first */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["SecretAuditPage"];
                    };
                };
                /** @description What was refused, and why */
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/secrets/{id}/refresh": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Open a secret past all that is remembered of it, and tell by what; its value is never answered */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description Identifier: [A-Za-z_][A-Za-z0-9_$-]{0,127} */
                    id: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description Open a secret past all that is remembered of it, and tell by what; its value is never answered */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["SecretRefresh"];
                    };
                };
                /** @description What was refused, and why */
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/secrets/{id}/uses": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List the connectors and secret managers that use a secret */
        get: {
            parameters: {
                query?: {
                    limit?: string;
                };
                header?: never;
                path: {
                    /** @description Identifier: [A-Za-z_][A-Za-z0-9_$-]{0,127} */
                    id: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description List the connectors and secret managers that use a secret */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Uses"];
                    };
                };
                /** @description What was refused, and why */
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/secrets/{id}/versions": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List the versions of a secret that are still kept, newest first */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description Identifier: [A-Za-z_][A-Za-z0-9_$-]{0,127} */
                    id: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description List the versions of a secret that are still kept, newest first */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["SecretVersions"];
                    };
                };
                /** @description What was refused, and why */
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/subscriptions": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List the subscriptions of a scope */
        get: {
            parameters: {
                query?: {
                    cursor?: string;
                    limit?: string;
                };
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description List the subscriptions of a scope */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["SubscriptionPage"];
                    };
                };
                /** @description What was refused, and why */
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/subscriptions/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Read a subscription, and how it fares */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description Identifier: [A-Za-z_][A-Za-z0-9_$-]{0,127} */
                    id: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description Read a subscription, and how it fares */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Subscription"];
                    };
                };
                /** @description What was refused, and why */
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        /** Send events of a scope, and of what is below it, to a URL; or change where, and which */
        put: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description Identifier: [A-Za-z_][A-Za-z0-9_$-]{0,127} */
                    id: string;
                };
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": {
                        /** @description Events of entities and operations on these branches alone */
                        branches?: string[];
                        /** @description Default: true. Where it had stopped, it begins again */
                        enabled?: boolean;
                        /** @description Events of entities and operations of these kinds alone */
                        kinds?: string[];
                        /** @description A builtin secret that holds `whsec_` and base64; without it one is made, or the one of before stays. One that is replaced signs on for a day */
                        secret?: string;
                        types: string[];
                        /** @description Where events are sent by POST: https, without user-info */
                        url: string;
                    };
                };
            };
            responses: {
                /** @description Send events of a scope, and of what is below it, to a URL; or change where, and which */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["WrittenSubscription"];
                    };
                };
                /** @description Send events of a scope, and of what is below it, to a URL; or change where, and which */
                201: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["WrittenSubscription"];
                    };
                };
                /** @description What was refused, and why */
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        post?: never;
        /** Delete a subscription, with a secret that was made for it */
        delete: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description Identifier: [A-Za-z_][A-Za-z0-9_$-]{0,127} */
                    id: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description Done */
                204: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
                /** @description What was refused, and why */
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/subscriptions/{id}/attempts": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List the last attempts to deliver, newest first; 100 are kept */
        get: {
            parameters: {
                query?: {
                    limit?: string;
                };
                header?: never;
                path: {
                    /** @description Identifier: [A-Za-z_][A-Za-z0-9_$-]{0,127} */
                    id: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description List the last attempts to deliver, newest first; 100 are kept */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["SubscriptionAttempts"];
                    };
                };
                /** @description What was refused, and why */
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/subscriptions/{id}/replay": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Send again what came after a cursor or since a moment */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description Identifier: [A-Za-z_][A-Za-z0-9_$-]{0,127} */
                    id: string;
                };
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": {
                        /** @description A cursor of events, or `start` for all that are kept */
                        after: string;
                    } | {
                        /** Format: date-time */
                        since: string;
                    };
                };
            };
            responses: {
                /** @description Send again what came after a cursor or since a moment */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Subscription"];
                    };
                };
                /** @description What was refused, and why */
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/subscriptions/{id}/rotate-secret": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Make a new signing secret; the one of before signs as well for a while */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description Identifier: [A-Za-z_][A-Za-z0-9_$-]{0,127} */
                    id: string;
                };
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": {
                        /** @description How long the secret of before signs as well; default 24 */
                        keepHours?: number;
                    };
                };
            };
            responses: {
                /** @description Make a new signing secret; the one of before signs as well for a while */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["WrittenSubscription"];
                    };
                };
                /** @description What was refused, and why */
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/subscriptions/{id}/test": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Send a test event now, and tell what became of it */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description Identifier: [A-Za-z_][A-Za-z0-9_$-]{0,127} */
                    id: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description Send a test event now, and tell what became of it */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["SubscriptionTest"];
                    };
                };
                /** @description What was refused, and why */
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/tokens": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List the API tokens of a scope, the newest first; their texts are nowhere */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description List the API tokens of a scope, the newest first; their texts are nowhere */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Tokens"];
                    };
                };
                /** @description What was refused, and why */
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        put?: never;
        /** Make an API token that has a role in this scope and in all that is below it */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": {
                        /**
                         * @description How long it is good
                         * @default 90
                         */
                        days?: number;
                        name: string;
                        /** @description `viewer`, `editor`, `admin`, or a role of the account */
                        role: string;
                    };
                };
            };
            responses: {
                /** @description Make an API token that has a role in this scope and in all that is below it */
                201: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["NewToken"];
                    };
                };
                /** @description What was refused, and why */
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/tokens/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /** Revoke an API token, with the sessions that began by it */
        delete: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    id: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description Done */
                204: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
                /** @description What was refused, and why */
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
}
export type webhooks = Record<string, never>;
export interface components {
    schemas: {
        AuditEntry: {
            action: string;
            actor: {
                id: string;
                /** @description `token`, `user`, `delegate`, `operator` or `system` */
                kind: string;
                name: string;
            };
            /** Format: date-time */
            at: string;
            /** @description Why it was refused, or failed */
            code: string | null;
            data: {
                [key: string]: unknown;
            } | null;
            hash: string;
            /** @enum {string} */
            outcome: "done" | "refused" | "denied" | "begun" | "failed";
            /** @description In the trail of the account */
            position: number;
            scope: string;
            /** @description As in the API, below its scope; empty for the scope itself */
            target: string;
        };
        AuditHead: {
            account: string;
            hash: string;
            /** @description Of the last entry; 0 where there is none */
            position: number;
        };
        AuditPage: {
            entries: components["schemas"]["AuditEntry"][];
            nextCursor: string | null;
        };
        Comparison: {
            from: {
                blobId: string | null;
                commitId: string;
                /** @description Where it lay there; null where no file of it is known */
                path: string | null;
                /** @description Null where no file of it is known */
                yaml: string | null;
            };
            id: string;
            kind: string;
            same: boolean;
            to: {
                blobId: string | null;
                commitId: string;
                /** @description Where it lay there; null where no file of it is known */
                path: string | null;
                /** @description Null where no file of it is known */
                yaml: string | null;
            };
        };
        Connector: {
            /** @description Without a kind: a user name and a password */
            apiCredential: ({
                secret: string;
                secretScope: string;
                username: string;
            } | {
                manager: string;
                managerScope: string;
                reference: string;
                username: string;
            } | {
                /** @enum {string} */
                kind: "token";
                secret: string;
                secretScope: string;
                username?: string;
            } | {
                clientId: string;
                clientSecret: string;
                clientSecretScope: string;
                /** @enum {string} */
                kind: "oauth2";
                refreshToken: string;
                refreshTokenScope: string;
                tokenUrl: string;
            } | {
                appId: string;
                installationId: string;
                /** @enum {string} */
                kind: "github-app";
                privateKey: string;
                privateKeyScope: string;
                repositories?: string[];
            } | {
                authority?: string;
                clientId: string;
                /** @enum {string} */
                kind: "azure-entra";
                secret: string;
                secretScope: string;
                tenant: string;
            } | {
                /** @enum {string} */
                kind: "ssh";
                passphrase?: string;
                passphraseScope?: string;
                privateKey: string;
                privateKeyScope: string;
                username?: string;
            }) | null;
            apiUrl: string | null;
            /** @enum {string} */
            connectivity: "manager" | "delegate";
            /** @description Without a kind: a user name and a password */
            credential: ({
                secret: string;
                secretScope: string;
                username: string;
            } | {
                manager: string;
                managerScope: string;
                reference: string;
                username: string;
            } | {
                /** @enum {string} */
                kind: "token";
                secret: string;
                secretScope: string;
                username?: string;
            } | {
                clientId: string;
                clientSecret: string;
                clientSecretScope: string;
                /** @enum {string} */
                kind: "oauth2";
                refreshToken: string;
                refreshTokenScope: string;
                tokenUrl: string;
            } | {
                appId: string;
                installationId: string;
                /** @enum {string} */
                kind: "github-app";
                privateKey: string;
                privateKeyScope: string;
                repositories?: string[];
            } | {
                authority?: string;
                clientId: string;
                /** @enum {string} */
                kind: "azure-entra";
                secret: string;
                secretScope: string;
                tenant: string;
            } | {
                /** @enum {string} */
                kind: "ssh";
                passphrase?: string;
                passphraseScope?: string;
                privateKey: string;
                privateKeyScope: string;
                username?: string;
            }) | null;
            group: string | null;
            id: string;
            knownHosts: string | null;
            /** @description Its refresh token is void, until the credential or one of its secrets changes */
            needsAuthorisation: {
                code: string;
                detail: string;
                hint: string;
                /** Format: date-time */
                since: string;
            } | null;
            /** @enum {string} */
            provider: "github" | "gitlab" | "bitbucket-cloud" | "bitbucket-dc" | "gitea" | "forgejo" | "gogs" | "azure" | "generic";
            renamedTo: components["schemas"]["RenamedTo"] | null;
            revision: string;
            scope: string;
            tags: string[];
            trust: {
                ca?: string;
                clientCertificate?: string;
                clientKey?: string;
                clientKeyScope?: string;
                noProxy?: string[];
                proxyPassword?: string;
                proxyPasswordScope?: string;
                proxyUrl?: string;
                proxyUsername?: string;
            } | null;
            url: string;
        };
        ConnectorCheck: {
            /** @enum {string} */
            connectivity: "manager" | "delegate";
            /** @description What the host was found to support; null when it was not asked */
            host: {
                agent: string | null;
                /** @description What the host lacks, and what that costs */
                costs: string[];
                filter: boolean;
                /** @enum {string} */
                objectFormat: "sha1";
                protocol: 0 | 1 | 2;
                push: {
                    agent: boolean;
                    atomic: boolean;
                    pushOptions: boolean;
                    reportStatus: boolean;
                    reportStatusV2: boolean;
                    sideBand: boolean;
                    thinPacks: boolean;
                } | null;
                shallow: boolean;
                /** @enum {string} */
                wants: "any" | "commits";
            } | null;
            ok: boolean;
            stages: {
                code?: string;
                detail?: string;
                hint?: string;
                ms: number;
                ok: boolean;
                /** @enum {string} */
                stage: "reach" | "authenticate" | "read" | "write";
            }[];
        };
        ConnectorPage: {
            connectors: components["schemas"]["Connector"][];
            nextCursor: string | null;
        };
        ConnectorRename: {
            /** @description Where the repository is now, as in a connector */
            url: string;
        };
        ConnectorRenamed: {
            /** @description What came along; nothing where the connector had this URL already */
            moved: {
                /** @description Branches that are followed */
                branches: number;
                entities: number;
                imports: number;
                /** @description Unfinished ones, which go on at the new URL */
                operations: number;
                pullRequests: number;
            };
            revision: string;
            url: string;
            /** @description Null where none was registered at the host; the problem says why it is not registered at the new place */
            webhook: {
                problem: components["schemas"]["Problem"] | null;
            } | null;
        };
        Delegate: {
            alive: boolean;
            capabilities: {
                gitAllowed: string[] | null;
                nativeGit: boolean;
            };
            contract: number;
            /** Format: date-time */
            enrolledAt: string;
            /** @description Of its identity key, as the delegate printed it */
            fingerprint: string;
            group: string;
            /** @description Of the group’s identity, as enrolment showed it; to be compared or pinned */
            groupFingerprint: string;
            id: string;
            lastFault: {
                /** Format: date-time */
                at: string;
                code: string;
                message: string;
            } | null;
            /** Format: date-time */
            lastSeenAt: string | null;
            name: string;
            running: number;
            scope: string;
            /** @enum {string} */
            state: "enabled" | "disabled" | "draining" | "revoked";
            tags: string[];
            tasksMax: number;
            version: string;
        };
        DelegateGroup: {
            delegates: {
                /**
                 * @description Of the keys of the last rotation, or before it of the group’s
                 * @enum {string}
                 */
                has: "nothing" | "staged" | "current" | "previous";
                id: string;
                name: string;
            }[];
            id: string;
            /** @description Null until a delegate has enrolled */
            keys: {
                /** @description Null before the first rotation */
                edition: string | null;
                /** @description Of the group’s identity, as enrolment showed it */
                fingerprint: string;
                /** @description Id of the key that the keyring wraps with; null before the first rotation */
                keyring: string | null;
                p256: string | null;
                /** Format: date-time */
                since: string;
                /** @description Of the key that values are sealed to */
                x25519: string;
            } | null;
            name: string;
            /** @description The last one */
            rotation: {
                /** Format: date-time */
                createdAt: string;
                /** Format: date-time */
                finishedAt: string | null;
                /** Format: uuid */
                id: string;
                keys: ("sealing" | "keyring")[];
                /** @description Null until a delegate has made the keys */
                next: {
                    edition: string;
                    keyring: string;
                    p256: string;
                    x25519: string;
                } | null;
                /** Format: date-time */
                publishedAt: string | null;
                /** @enum {string} */
                state: "staged" | "published" | "done";
                waitsFor: string | null;
            } | null;
            scope: string;
        };
        DelegateGroups: {
            groups: components["schemas"]["DelegateGroup"][];
        };
        Delegates: {
            delegates: components["schemas"]["Delegate"][];
        };
        DelegateTokens: {
            tokens: {
                /** Format: date-time */
                createdAt: string;
                /** Format: date-time */
                expiresAt: string;
                group: string;
                id: string;
                revoked: boolean;
                usesLeft: number;
            }[];
        };
        Deletion: {
            /** @description The commit is on the branch, and before it was there the entity had come to another repository: where. What it is there is untouched */
            elsewhere?: {
                connector: string;
                path: string;
            };
            git: {
                branch: string;
                commitId: string;
                connector: string;
                path: string;
            } | null;
            id: string;
            kind: string;
            operationId: string;
            /** @description Where the change asked for one; that the commit is on its branch does not depend on it */
            pullRequest?: components["schemas"]["SavedPullRequest"];
            scope: string;
            /**
             * @description `inline`: in Sallyport alone, and `git` is null
             * @enum {string}
             */
            store: "git" | "inline";
        };
        Difference: {
            /** @description Blob id of what the copy holds */
            copy: string | null;
            entity: string | null;
            entityKind: string | null;
            /** @description Blob id in Git */
            git: string | null;
            /** @enum {string} */
            kind: "missing" | "surplus" | "differing" | "corrupt" | "invalid" | "refused" | "registration";
            path: string | null;
            /** @description Why, where that is known */
            problem: components["schemas"]["Problem"] | null;
            scope: string | null;
        };
        Drift: {
            /** @description Of the branches that come next; null: no more */
            nextCursor: string | null;
            sections: {
                branch: string | null;
                copies: number;
                counts: {
                    [key: string]: number;
                };
                /** @description The first 1000 */
                differences: components["schemas"]["Difference"][];
                /** @description Where the branch points now */
                head: string | null;
                /** @enum {string} */
                source: "branch" | "webhook";
                /** @description The commit that it has been followed to */
                synced: string | null;
                /** @description False: only saves and imports know of the branch */
                tracked: boolean;
            }[];
        };
        DriftRepair: {
            branches: {
                branch: string;
                changed: number;
                created: number;
                deleted: number;
                invalid: number;
                moved: number;
                refused: number;
                /** @description Copies whose document had been changed by hand */
                restored: number;
            }[];
            /** @description Null where none was registered at the host; the problem says why it still is not */
            webhook: {
                problem: components["schemas"]["Problem"] | null;
            } | null;
        };
        DriftRepairWrite: {
            /** @description Branch name, as git check-ref-format --branch takes it, at most 250 bytes */
            branch?: string;
        };
        Enrolment: {
            delegate: string;
            deployment: string;
            group: {
                id: string;
                identityKey: string;
                name: string;
                scope: string;
                sealingKey: string;
                signature: string;
            };
            manager: {
                identityKey: string;
                sealingKey: string;
            };
            queue: {
                /** @enum {string} */
                kind: "redis";
                password: string;
                url: string;
                username: string;
            } | {
                /** @enum {string} */
                kind: "postgres";
            };
        };
        Entity: {
            /** @description What the ETag quotes */
            blobId: string;
            /** @description Of a read of one entity */
            freshness?: components["schemas"]["Freshness"];
            git: {
                blobId: string;
                branch: string;
                commitId: string;
                /** @enum {string} */
                connectivity: "manager" | "delegate";
                connector: string;
                path: string;
            } | null;
            id: string;
            /** @description Why what stands in Git is no document of its kind; null where it is one */
            invalid: components["schemas"]["Problem"] | null;
            kind: string;
            /** @description The save that wrote it; null for what came from Git */
            operationId: string | null;
            scope: string;
            /**
             * @description `inline`: in Sallyport alone, and `git` is null
             * @enum {string}
             */
            store: "git" | "inline";
            /** @description The document, byte for byte */
            yaml: string;
        };
        EntityCommit: {
            author: {
                email: string;
                name: string;
            };
            /** Format: date-time */
            authoredAt: string;
            /** @description What it left, and what an ETag of this version quotes; null where it removed the file */
            blobId: string | null;
            commitId: string;
            /** Format: date-time */
            committedAt: string;
            /** @description Null where it is the author */
            committer: {
                email: string;
                name: string;
            } | null;
            merge: boolean;
            /** @description At most 4,096 characters */
            message: string;
            /** @description Whether it goes on */
            messageCut: boolean;
            /** @description The operation that made it; null for a commit of others */
            operationId: string | null;
            /** @description Its first parent, which it is held against; null where a history begins */
            parentId: string | null;
            previousBlobId: string | null;
            /** @description That its operation asked for, where it did */
            pullRequest: {
                id: string;
                number: number | null;
                scope: string;
                /**
                 * @description `wanted`: not open yet, and tried; `failed`: not tried any more, until `retry`
                 * @enum {string}
                 */
                state: "wanted" | "open" | "failed" | "merged" | "closed";
                webUrl: string | null;
            } | null;
            /** @enum {string} */
            what: "added" | "changed" | "removed";
        };
        EntityHistory: {
            branch: string;
            commits: components["schemas"]["EntityCommit"][];
            connector: string;
            id: string;
            kind: string;
            /** @description Null where the history begins. A page may hold fewer commits than asked for, or none */
            nextCursor: string | null;
            /** @description Whose history it is. A file that came from another path was added */
            path: string;
            /** @description The last commit that was looked at; all that lie before it are not in this page */
            searchedTo: string;
        };
        EntityPage: {
            entities: components["schemas"]["Entity"][];
            nextCursor: string | null;
        };
        Event: {
            cursor: string;
            /** @description By type as docs/reference/events.md says */
            data: {
                [key: string]: unknown;
            };
            /** @enum {string} */
            datacontenttype: "application/json";
            /** Format: uuid */
            id: string;
            source: string;
            /** @enum {string} */
            specversion: "1.0";
            subject: string;
            /** Format: date-time */
            time: string;
            type: string;
        };
        EventPage: {
            events: components["schemas"]["Event"][];
            /** @description Whether there may be more already */
            more: boolean;
            /** @description What comes later is after this, also where no event is here */
            nextCursor: string;
        };
        Explanation: {
            /** @description `manager`, the id of the delegate that would be chosen now, or null for nobody */
            carriedBy: string | null;
            /** @enum {string} */
            connectivity: "manager" | "delegate";
            connector: string;
            /** @description In the order in which they would be chosen */
            delegates: {
                eligible: boolean;
                group: string;
                id: string;
                name: string;
                /** @description Why not; for an eligible one, why it would wait */
                reasons: {
                    code: string;
                    detail: string;
                }[];
                scope: string;
            }[];
            /** @description Whether the manager itself could, were the connectivity `manager` */
            manager: {
                eligible: boolean;
                /** @description Why not; for an eligible one, why it would wait */
                reasons: {
                    code: string;
                    detail: string;
                }[];
            };
        };
        FileProblem: {
            blobId: string | null;
            branch: string;
            commitId: string;
            entity: string | null;
            kind: string | null;
            path: string;
            problem: components["schemas"]["Problem"];
            scope: string | null;
            /** Format: date-time */
            since: string;
            /** @enum {string} */
            verdict: "invalid" | "refused";
        };
        FileProblemPage: {
            files: components["schemas"]["FileProblem"][];
            nextCursor: string | null;
        };
        Freshness: {
            /** Format: date-time */
            checkedAt: string | null;
            /** @description What Git held then, where it was asked */
            gitBlobId?: string | null;
            /** @description Where the branch pointed then */
            head: string | null;
            /**
             * @description `inline`: Sallyport’s own word, which is always current
             * @enum {string}
             */
            source: "git" | "inline";
            /**
             * @description `current`: what stood in Git at `checkedAt`; `held`: Git holds what a rule of the tracking, or its being no entity, keeps out; `unknown`: nobody looks
             * @enum {string}
             */
            state: "current" | "behind" | "gone" | "held" | "unknown";
        };
        Health: {
            contract?: number;
            contractOldest?: number;
            database?: {
                up: boolean;
                why: string;
            };
            delegates?: {
                alive: boolean;
                group: string;
                /** Format: date-time */
                lastSeenAt: string | null;
                name: string;
                version: string;
            }[];
            deployment?: string;
            masterKeys?: {
                up: boolean;
                why: string;
            };
            queue?: {
                up: boolean;
                why: string;
            };
            sweep?: {
                up: boolean;
                why: string;
            };
            up: boolean;
            /** @description Of this Sallyport */
            version?: string;
        };
        /** @description What the manager that answers was told by the host; others may have been told other things */
        HostPatience: {
            /** Format: date-time */
            apiPausedUntil: string | null;
            /** @description How much more the API answers, as it said last; null where it said nothing lately */
            apiRate: {
                limit: number | null;
                remaining: number | null;
                /** Format: date-time */
                resetAt: string | null;
            } | null;
            /**
             * Format: date-time
             * @description Until then Git at the host is left alone, because it asked for patience
             */
            gitPausedUntil: string | null;
        };
        IdentityProvider: {
            clientId: string;
            groupsClaim: string;
            id: string;
            issuer: string;
            name: string;
            scopes: string[];
            secret: string | null;
        };
        IdentityProviders: {
            identityProviders: components["schemas"]["IdentityProvider"][];
        };
        Import: {
            branch: string;
            /** @description Where the branch pointed at the last look */
            commitId: string | null;
            connector: string;
            /** @description Files by what they came to, or would */
            counts: {
                create: number;
                elsewhere: number;
                invalid: number;
                mismatch: number;
                refused: number;
                same: number;
                taken: number;
                update: number;
            };
            /** Format: date-time */
            createdAt: string;
            dryRun: boolean;
            /** Format: date-time */
            finishedAt: string | null;
            folder: string | null;
            /** Format: uuid */
            id: string;
            /** @description Why it failed, or does not get on */
            problem: components["schemas"]["Problem"] | null;
            progress: {
                done: number;
                total: number;
            };
            requestedBy: string;
            scope: string;
            /** @enum {string} */
            state: "reporting" | "reported" | "applying" | "done" | "failed" | "cancelled";
        };
        ImportItem: {
            blobId: string | null;
            entity: string | null;
            kind: string | null;
            /**
             * @description Null before the file was looked at
             * @enum {string|null}
             */
            outcome: "create" | "update" | "same" | "invalid" | "mismatch" | "elsewhere" | "taken" | "refused" | null;
            path: string;
            problem: components["schemas"]["Problem"] | null;
            scope: string | null;
        };
        ImportItemPage: {
            files: components["schemas"]["ImportItem"][];
            nextCursor: string | null;
        };
        ImportPage: {
            imports: components["schemas"]["Import"][];
            nextCursor: string | null;
        };
        ImportWrite: {
            /** @description Branch name, as git check-ref-format --branch takes it, at most 250 bytes */
            branch: string;
            /**
             * @description Report, and wait for `apply`
             * @default false
             */
            dryRun: boolean;
            /** @description These files, as these entities */
            files?: {
                /** @description Identifier: [A-Za-z_][A-Za-z0-9_$-]{0,127} */
                id: string;
                /** @description Identifier: [A-Za-z_][A-Za-z0-9_$-]{0,127} */
                kind: string;
                /** @description Relative path ending in .yaml or .yml, at most 1024 bytes */
                path: string;
                /** @description Default: the connector’s */
                scope?: string;
            }[];
            /** @description What is below it; without files and folder, the whole branch */
            folder?: string;
            /** @description Which files are entities; default: as the tracking says, or where the kinds put them */
            patterns?: {
                /** @description Identifier: [A-Za-z_][A-Za-z0-9_$-]{0,127} */
                kind: string;
                /** @description Path with `*` for part of a name, `**` for any directories, and {id} (once, required), {org}, {project} */
                pattern: string;
            }[];
        };
        KeyList: {
            keys: {
                /** @description With its version, where it has one */
                key: string;
                /** Format: date-time */
                retiredAt: string | null;
                /** @description Versions and wraps that are kept for a while only */
                superseded: number;
                /** @description Secret versions that it wraps */
                versions: number;
            }[];
        };
        Kind: {
            id: string;
            identity: {
                id?: string;
                org?: string;
                project?: string;
            } | null;
            pathTemplate: string;
            revision: string;
            schema: {
                [key: string]: unknown;
            };
        };
        Kinds: {
            kinds: {
                id: string;
                identity: {
                    id?: string;
                    org?: string;
                    project?: string;
                } | null;
                pathTemplate: string;
                revision: string;
            }[];
        };
        Me: {
            account: string;
            actor: {
                email?: string;
                id: string;
                /** @enum {string} */
                kind: "token" | "user";
                name: string;
            };
            bindings: {
                permissions: ("scope.view" | "scope.manage" | "entity.view" | "entity.edit" | "kind.view" | "kind.manage" | "connector.view" | "connector.use" | "connector.manage" | "secret.view" | "secret.manage" | "secret.use" | "secret.force" | "delegate.view" | "delegate.manage" | "event.view" | "subscription.view" | "subscription.manage" | "access.view" | "access.manage" | "audit.view")[];
                role: string;
                scope: string;
            }[];
            /** Format: date-time */
            expiresAt: string;
        };
        Members: {
            members: {
                /** @description Null where the provider has verified none */
                email: string | null;
                groups: string[];
                /** Format: uuid */
                id: string;
                name: string;
                provider: string;
                /** Format: date-time */
                signedInAt: string;
            }[];
        };
        Move: {
            /** @description Entities by what became of them so far */
            counts: {
                adding: number;
                blocked: number;
                done: number;
                failed: number;
                left: number;
                removing: number;
                same: number;
            };
            /** Format: date-time */
            createdAt: string;
            /** Format: date-time */
            finishedAt: string | null;
            /** Format: uuid */
            id: string;
            keepFiles: boolean;
            /** @description One for each commit, in their order */
            operations: string[];
            requestedBy: string;
            scope: string;
            /** @enum {string} */
            state: "adding" | "removing" | "done" | "failed";
            to: {
                /** @enum {string} */
                store: "inline";
            } | {
                branch: string;
                connector: string;
                /** @enum {string} */
                store: "git";
            };
        };
        MoveChange: {
            /** @enum {string} */
            action: "write" | "remove";
            entity: string;
            kind: string;
            path: string;
        };
        MoveItem: {
            entity: string;
            /** @description Null where there is no such entity */
            from: components["schemas"]["MovePlace"] | null;
            kind: string;
            /** @description What brings it to its place */
            operationId: string | null;
            /** @description Why it is blocked, failed or left */
            problem: components["schemas"]["Problem"] | null;
            /** @description What removes its old file, where another one does */
            removalId: string | null;
            /**
             * @description `adding`: its commit is to come; `removing`: it is there, and its old file is to go; `left`: it is there, and its old file is, too; `failed`: it is where it was; `same`: it was there already
             * @enum {string}
             */
            state: "adding" | "removing" | "done" | "left" | "failed" | "same" | "blocked";
            /** @description Null where it has no place to be at */
            to: components["schemas"]["MovePlace"] | null;
        };
        MoveItemPage: {
            entities: components["schemas"]["MoveItem"][];
            nextCursor: string | null;
        };
        MovePage: {
            moves: components["schemas"]["Move"][];
            nextCursor: string | null;
        };
        MovePlace: {
            /** @enum {string} */
            store: "inline";
        } | {
            branch: string;
            /** @description Of the copy that is moved */
            commitId?: string;
            connector: string;
            path: string;
            /** @enum {string} */
            store: "git";
        };
        /** @description What the move would do; nothing has changed */
        MoveReport: {
            counts: {
                blocked: number;
                move: number;
                same: number;
            };
            /** @enum {boolean} */
            dryRun: true;
            entities: components["schemas"]["PlannedMove"][];
        };
        MoveWrite: {
            author?: {
                /** @description E-mail address of the commit's author */
                email: string;
                /** @description Name of the commit's author */
                name: string;
            };
            /**
             * @description Say what it would do, and change nothing
             * @default false
             */
            dryRun: boolean;
            /** @description These entities of the scope */
            entities?: {
                /** @description Identifier: [A-Za-z_][A-Za-z0-9_$-]{0,127} */
                id: string;
                /** @description Identifier: [A-Za-z_][A-Za-z0-9_$-]{0,127} */
                kind: string;
            }[];
            /** @description Without entities: those that fit. With entities: the branch alone */
            from?: {
                /** @description Which copies are moved; default: those of the branch where each was first saved */
                branch?: string;
                /** @description As a save names it */
                connector?: string;
                /** @description Relative path without a slash at either end */
                folder?: string;
                /** @description Identifier: [A-Za-z_][A-Za-z0-9_$-]{0,127} */
                kind?: string;
                /**
                 * @description Default: git
                 * @enum {string}
                 */
                store?: "git" | "inline";
            };
            /**
             * @description Leave the files that the entities came from where they are
             * @default false
             */
            keepFiles: boolean;
            /** @description Commit message, 1 byte to 64 KiB; a trailer naming the operation is added */
            message?: string;
            /**
             * @description Of an entity that becomes inline and is on other branches, too; `forget`: it is not any more, and its files stay there
             * @default refuse
             * @enum {string}
             */
            otherBranches: "refuse" | "forget";
            /**
             * @description Move what can be moved, also where something else cannot
             * @default false
             */
            skipBlocked: boolean;
            to: {
                /** @description Branch name, as git check-ref-format --branch takes it, at most 250 bytes */
                branch: string;
                /** @description As a save names it */
                connector: string;
                /** @description Branch name, as git check-ref-format --branch takes it, at most 250 bytes */
                newBranchFrom?: string;
                /** @description Of one entity */
                path?: string;
                /** @description Default: the kind’s */
                pathTemplate?: string;
                /** @enum {string} */
                store: "git";
            } | {
                /** @enum {string} */
                store: "inline";
            };
        };
        NewDelegateToken: {
            /** Format: date-time */
            expiresAt: string;
            group: string;
            id: string;
            /** @description Shown here and never again */
            token: string;
            usesLeft: number;
        };
        NewToken: {
            /** Format: date-time */
            createdAt: string;
            /** @description Null: on the manager’s own machine */
            createdBy: string | null;
            /** Format: date-time */
            expiresAt: string;
            /** Format: uuid */
            id: string;
            name: string;
            role: string;
            scope: string;
            /** @description Shown this once */
            token: string;
        };
        Operation: {
            /** @enum {string} */
            action: "save" | "delete" | "move";
            /** @description Of a save that succeeded: what it left */
            blobId: string | null;
            /**
             * Format: date-time
             * @description When it was accepted
             */
            createdAt: string;
            /** Format: date-time */
            deadlineAt: string;
            /** @description The commit is on the branch, and before it was there the entity had come to another repository: where. What it is there is untouched */
            elsewhere?: {
                connector: string;
                path: string;
            };
            entity: string | null;
            /** Format: date-time */
            finishedAt: string | null;
            git: {
                blobId: string | null;
                branch: string;
                commitId: string | null;
                connector: string;
                path: string | null;
            } | null;
            id: string;
            /** @description Null for a move, which is of many */
            kind: string | null;
            /** @description Of a move: which one, and the files of this commit */
            move?: {
                changes: components["schemas"]["MoveChange"][];
                id: string;
            };
            /**
             * Format: date-time
             * @description When the plan of its batch was stored: from then on it may be on the way to the host
             */
            plannedAt: string | null;
            problem: components["schemas"]["Problem"] | null;
            /** @description Null where it asked for none */
            pullRequest: components["schemas"]["SavedPullRequest"] | null;
            /**
             * Format: date-time
             * @description When the host had answered the push; `finishedAt` is when that was confirmed here
             */
            pushedAt: string | null;
            /** @description Who had the host’s answer */
            pushedBy: {
                /** @enum {string} */
                connectivity: "manager" | "delegate";
                /** @description As it was called then; null for the manager */
                delegate: {
                    group: string;
                    id: string;
                    name: string;
                } | null;
            } | null;
            scope: string;
            /** @enum {string} */
            state: "pending" | "succeeded" | "conflict" | "failed" | "cancelled";
            /**
             * @description `inline`: in Sallyport alone, and `git` is null
             * @enum {string}
             */
            store: "git" | "inline";
            /**
             * Format: date-time
             * @description When the writer of its lane chose it for a batch. This and what follows are of the attempt that led to its end, or is under way; null where it did not come so far, is inline, or ended before this was kept
             */
            takenAt: string | null;
            /** @description While pending: what it waits for */
            waitsFor: string | null;
            /** @description The content, kept whatever becomes of the operation */
            yaml: string | null;
        };
        OperationPage: {
            nextCursor: string | null;
            operations: components["schemas"]["Operation"][];
        };
        PendingSecret: {
            /** @enum {string} */
            state: "pending";
            waitsFor: string;
        };
        PlannedMove: {
            entity: string;
            /** @description Null where there is no such entity */
            from: components["schemas"]["MovePlace"] | null;
            kind: string;
            /** @enum {string} */
            outcome: "move" | "same" | "blocked";
            /** @description Why it is blocked */
            problem: components["schemas"]["Problem"] | null;
            /** @description Null where it has no place to be at */
            to: components["schemas"]["MovePlace"] | null;
        };
        Problem: {
            blocked?: {
                [key: string]: unknown;
            }[];
            /** @description Stable; listed in docs/reference/errors.md */
            code: string;
            delegate?: string;
            detail: string;
            hint: string;
            operationId?: string;
            status: number;
            title: string;
            type: string;
            versions?: {
                [key: string]: unknown;
            };
        };
        PullRequest: {
            branch: string;
            /**
             * Format: date-time
             * @description When the host was asked last
             */
            checkedAt: string | null;
            connector: string;
            connectorScope: string;
            /** @description Whether Sallyport opened it */
            created: boolean | null;
            /** Format: date-time */
            createdAt: string;
            draft: boolean;
            /** Format: date-time */
            finishedAt: string | null;
            id: string;
            /** @description Null: the default branch, while its name is not known */
            into: string | null;
            mergeCommit: string | null;
            /** Format: date-time */
            nextCheckAt: string | null;
            /** @description What the host calls it */
            number: number | null;
            /** Format: date-time */
            openedAt: string | null;
            /** @description The save that asked for it first */
            operationId: string;
            /** @description Why it failed, or why the last attempt or look did */
            problem: components["schemas"]["Problem"] | null;
            /** @description Whom the host does not know or take, or who could not be asked for; it is open without them */
            reviewersRefused: string[];
            /** @description Of the save that asked for it first */
            scope: string;
            /**
             * @description `wanted`: not open yet, and tried; `failed`: not tried any more, until `retry`
             * @enum {string}
             */
            state: "wanted" | "open" | "failed" | "merged" | "closed";
            /** @description As it was asked for; on the host somebody may have changed it */
            title: string;
            webUrl: string | null;
        };
        PullRequestPage: {
            nextCursor: string | null;
            pullRequests: components["schemas"]["PullRequest"][];
        };
        PullRequestWish: {
            body?: string;
            draft?: boolean;
            /** @description Default: what the branch begins or began from, or the default branch of the repository */
            into?: string;
            /** @description As the host names or numbers its users */
            reviewers?: string[];
            /** @description Default: the first line of the commit message */
            title?: string;
        };
        /** @description What its host was heard to call the repository now; a hint that nobody follows */
        RenamedTo: {
            /** @enum {string} */
            by: "webhook" | "redirect";
            /** Format: date-time */
            seenAt: string;
            url: string;
        };
        Role: {
            builtin: boolean;
            description: string;
            id: string;
            permissions: ("scope.view" | "scope.manage" | "entity.view" | "entity.edit" | "kind.view" | "kind.manage" | "connector.view" | "connector.use" | "connector.manage" | "secret.view" | "secret.manage" | "secret.use" | "secret.force" | "delegate.view" | "delegate.manage" | "event.view" | "subscription.view" | "subscription.manage" | "access.view" | "access.manage" | "audit.view")[];
        };
        RoleBinding: {
            /** Format: date-time */
            createdAt: string;
            createdBy: string;
            id: string;
            principal: {
                /** @enum {string} */
                kind: "user" | "group";
                name: string;
            };
            role: string;
            scope: string;
        };
        RoleBindings: {
            bindings: components["schemas"]["RoleBinding"][];
        };
        Roles: {
            roles: components["schemas"]["Role"][];
        };
        Save: {
            git?: {
                author?: {
                    /** @description E-mail address of the commit's author */
                    email: string;
                    /** @description Name of the commit's author */
                    name: string;
                };
                /** @description Branch name, as git check-ref-format --branch takes it, at most 250 bytes */
                branch?: string;
                /** @description Identifier: [A-Za-z_][A-Za-z0-9_$-]{0,127} */
                connector?: string;
                /** @description Commit message, 1 byte to 64 KiB; a trailer naming the operation is added */
                message?: string;
                /** @description Branch name, as git check-ref-format --branch takes it, at most 250 bytes */
                newBranchFrom?: string;
                /** @description Relative path ending in .yaml or .yml, at most 1024 bytes */
                path?: string;
                pullRequest?: components["schemas"]["PullRequestWish"];
            };
            /**
             * @description `inline`: in Sallyport alone, without Git. Without it: where the entity is; a new one in Git
             * @enum {string}
             */
            store?: "git" | "inline";
            /** @description The document, kept byte for byte */
            yaml: string;
        };
        SavedEntity: {
            /** @description What the ETag quotes */
            blobId: string;
            /** @description The commit is on the branch, and before it was there the entity had come to another repository: where. What it is there is untouched */
            elsewhere?: {
                connector: string;
                path: string;
            };
            /** @description Of a read of one entity */
            freshness?: components["schemas"]["Freshness"];
            git: {
                blobId: string;
                branch: string;
                commitId: string;
                /** @enum {string} */
                connectivity: "manager" | "delegate";
                connector: string;
                path: string;
            } | null;
            id: string;
            /** @description Why what stands in Git is no document of its kind; null where it is one */
            invalid: components["schemas"]["Problem"] | null;
            kind: string;
            /** @description The save that wrote it; null for what came from Git */
            operationId: string | null;
            /** @description Where the change asked for one; that the commit is on its branch does not depend on it */
            pullRequest?: components["schemas"]["SavedPullRequest"];
            scope: string;
            /**
             * @description `inline`: in Sallyport alone, and `git` is null
             * @enum {string}
             */
            store: "git" | "inline";
            /** @description The document, byte for byte */
            yaml: string;
        };
        SavedPullRequest: {
            /** @description Whether it was opened for this save; false where it was open before */
            created: boolean | null;
            draft: boolean;
            /** @description Null until the commit is on its branch */
            id: string | null;
            /** @description Null: the default branch, while its name is not known */
            into: string | null;
            /** @description What the host calls it */
            number: number | null;
            /** @description Why it failed, or why the last attempt or look did */
            problem: components["schemas"]["Problem"] | null;
            /** @description Whom the host does not know or take, or who could not be asked for; it is open without them */
            reviewersRefused: string[];
            scope: string;
            /**
             * @description `wanted`: not open yet, and tried; `failed`: not tried any more, until `retry`
             * @enum {string}
             */
            state: "wanted" | "open" | "failed" | "merged" | "closed";
            webUrl: string | null;
        };
        Scope: {
            /** Format: date-time */
            createdAt: string;
            displayName: string;
            scope: string;
        };
        Scopes: {
            nextCursor: string | null;
            scopes: components["schemas"]["Scope"][];
        };
        SealingKey: {
            deployment: string;
            /** @description Of the identity, as enrolment showed it; to be compared or pinned */
            fingerprint: string;
            group: string;
            groupName: string;
            /** @description Ed25519, base64url */
            identityKey: string;
            /** @description For clients without X25519; null where the group has none yet */
            p256: {
                /** @description An uncompressed point of P-256, base64url */
                sealingKey: string;
                signature: string;
            } | null;
            /** @description X25519, base64url */
            sealingKey: string;
            /** @description The identity’s word for the sealing key */
            signature: string;
        };
        Secret: {
            /** Format: date-time */
            createdAt: string;
            id: string;
            /** @enum {string} */
            kind: "text" | "file" | "ssh-key";
            manager: string;
            /** @description Null for the builtin secret manager */
            managerScope: string | null;
            scope: string;
            /** Format: date-time */
            updatedAt: string;
            /** Format: uuid */
            version: string;
        };
        SecretAccess: {
            /** @description Those whose password it is */
            connectors: string[];
            /** @description Those that may open it, whether they are there now or not */
            delegates: {
                alive: boolean;
                group: string;
                id: string;
                name: string;
                scope: string;
                /** @enum {string} */
                state: "enabled" | "disabled" | "draining" | "revoked";
            }[];
            /** @description Those it proves this client to */
            identityProviders: string[];
            /** @description Whether the manager opens it itself */
            manager: boolean;
            /** @description Those that sign in with it */
            secretManagers: string[];
            /** @description Those whose events it signs */
            subscriptions: string[];
            /** @description Those whose deliveries it proves */
            webhooks: string[];
        };
        SecretAuditPage: {
            /** @description Delegates that may have newer records, and when they last had none */
            behind: {
                /** Format: date-time */
                fetchedAt: string | null;
                group: string;
                id: string;
                name: string;
            }[];
            nextCursor: string | null;
            records: components["schemas"]["SecretAuditRecord"][];
        };
        SecretAuditRecord: {
            /** @description The tokens whose requests caused it: each one’s name, and how its id begins */
            actors: string[];
            /**
             * Format: date-time
             * @description By the clock of whoever opened it
             */
            at: string;
            /** @description Why it was refused */
            code: string | null;
            /** Format: uuid */
            id: string;
            /** @description Which version of which key wrapped it */
            keyId: string | null;
            /** @description Inside a task, `delegate` for a connector’s password, or the secret manager that signs in with it */
            lentTo: string | null;
            /** @description Null for builtin and, where a delegate opened it, its keyring */
            manager: string | null;
            managerScope: string | null;
            note: string | null;
            /** @description `manager`, or the id of a delegate */
            openedBy: string;
            operations: string[];
            /**
             * @description `lost`: records of the delegate that are gone; `note` says which
             * @enum {string}
             */
            outcome: "opened" | "refused" | "lost";
            /** @enum {string|null} */
            purpose: "save" | "refresh" | "connector-check" | "secret-manager-check" | "secret-value" | "secret-operation" | "secret-refresh" | "pull-request" | "webhook" | "event-delivery" | "sign-in" | null;
            /** Format: date-time */
            recordedAt: string;
            scope: string;
            secret: string | null;
            /** @description As the store names it; null for the latest */
            storeVersion: string | null;
            /** @description The connector, secret manager, secret or operation it was opened for */
            subject: string | null;
            task: string | null;
            version: string | null;
        };
        SecretManager: {
            credential: {
                secret: string;
                secretScope: string;
            } | null;
            group: string | null;
            id: string;
            revision: string;
            scope: string;
            settings: {
                /** @enum {string} */
                kind: "keyring";
            } | {
                ca?: string;
                endpoint?: string;
                key: string;
                /** @enum {string} */
                kind: "aws-kms";
                region: string;
                role?: {
                    arn: string;
                    externalId?: string;
                };
                stsEndpoint?: string;
            } | {
                ca?: string;
                endpoint?: string;
                key: string;
                /** @enum {string} */
                kind: "gcp-kms";
                tokenEndpoint?: string;
            } | {
                address: string;
                auth: {
                    /** @enum {string} */
                    method: "token";
                } | {
                    /** @enum {string} */
                    method: "approle";
                    /** @default approle */
                    mount: string;
                    roleId: string;
                } | {
                    /** @enum {string} */
                    method: "kubernetes";
                    /** @default kubernetes */
                    mount: string;
                    role: string;
                };
                ca?: string;
                key: string;
                /** @enum {string} */
                kind: "vault-transit";
                /** @default transit */
                mount: string;
                namespace?: string;
            } | {
                address: string;
                auth: {
                    /** @enum {string} */
                    method: "token";
                } | {
                    /** @enum {string} */
                    method: "approle";
                    /** @default approle */
                    mount: string;
                    roleId: string;
                } | {
                    /** @enum {string} */
                    method: "kubernetes";
                    /** @default kubernetes */
                    mount: string;
                    role: string;
                };
                ca?: string;
                /** @enum {string} */
                kind: "vault-kv";
                /** @default secret */
                mount: string;
                namespace?: string;
                /** @default sallyport */
                prefix: string;
            } | {
                ca?: string;
                endpoint?: string;
                /** @enum {string} */
                kind: "aws-secrets-manager";
                /** @default sallyport */
                prefix: string;
                region: string;
                role?: {
                    arn: string;
                    externalId?: string;
                };
                stsEndpoint?: string;
            } | {
                ca?: string;
                endpoint?: string;
                /** @enum {string} */
                kind: "gcp-secret-manager";
                /** @default sallyport */
                prefix: string;
                project: string;
                tokenEndpoint?: string;
            } | {
                authority?: string;
                ca?: string;
                /** Format: uuid */
                client?: string;
                /** @enum {string} */
                kind: "azure-key-vault";
                /** @default sallyport */
                prefix: string;
                /** Format: uuid */
                tenant?: string;
                vault: string;
            };
            tags: string[];
        };
        SecretManagerCheck: {
            code?: string;
            detail?: string;
            hint?: string;
            ms: number | null;
            ok: boolean;
        };
        SecretOperation: {
            /** @enum {string} */
            action: "rewrap" | "reencrypt" | "migrate";
            /** Format: date-time */
            createdAt: string;
            /** Format: date-time */
            finishedAt: string | null;
            /** @description `builtin`, or `{scope}/secret-managers/{id}` */
            from: string;
            /** Format: uuid */
            id: string;
            /** @description In secret versions; skipped: written, deleted or cancelled meanwhile */
            progress: {
                done: number;
                failed: number;
                pending: number;
                skipped: number;
                total: number;
            };
            /** @description The token: its name, and how its id begins */
            requestedBy: string;
            scope: string;
            /** @enum {string} */
            state: "pending" | "succeeded" | "failed" | "cancelled";
            /** @description `builtin`, or `{scope}/secret-managers/{id}` */
            to: string | null;
        };
        SecretOperationDetails: {
            /** @enum {string} */
            action: "rewrap" | "reencrypt" | "migrate";
            /** Format: date-time */
            createdAt: string;
            /** Format: date-time */
            finishedAt: string | null;
            /** @description `builtin`, or `{scope}/secret-managers/{id}` */
            from: string;
            /** Format: uuid */
            id: string;
            /** @description In secret versions; skipped: written, deleted or cancelled meanwhile */
            progress: {
                done: number;
                failed: number;
                pending: number;
                skipped: number;
                total: number;
            };
            /** @description The token: its name, and how its id begins */
            requestedBy: string;
            scope: string;
            /** @enum {string} */
            state: "pending" | "succeeded" | "failed" | "cancelled";
            /** @description `builtin`, or `{scope}/secret-managers/{id}` */
            to: string | null;
            /** @description The first hundred secrets that failed, or were tried in vain so far */
            troubles: {
                problem: components["schemas"]["Problem"];
                scope: string;
                secret: string;
                /** @enum {string} */
                state: "failed" | "pending";
            }[];
        };
        SecretOperationPage: {
            nextCursor: string | null;
            secretOperations: components["schemas"]["SecretOperation"][];
        };
        SecretRefresh: {
            code?: string;
            detail?: string;
            hint?: string;
            /** @description Of the key that unwrapped it; null for a store */
            keyId: string | null;
            ms: number | null;
            ok: boolean;
            /** @description The version that the store answered */
            storeVersion: string | null;
            /** Format: uuid */
            version: string;
        };
        SecretVersions: {
            versions: {
                /** Format: date-time */
                createdAt: string;
                manager: string;
                /** @description Null for the builtin secret manager */
                managerScope: string | null;
                /** @description 1 for the first one */
                number: number;
                /**
                 * Format: date-time
                 * @description Null for the current one; others are kept for SALLYPORT_SECRETS_GRACE_HOURS from then on
                 */
                supersededAt: string | null;
                /** Format: uuid */
                version: string;
            }[];
        };
        SignInWays: {
            oidc: {
                account: string;
                id: string;
                name: string;
            }[];
            /** @enum {boolean} */
            token: true;
        };
        Subscription: {
            branches: string[] | null;
            /** Format: date-time */
            createdAt: string;
            /** @description Everything up to here was delivered or not wanted */
            cursor: string;
            /**
             * Format: date-time
             * @description When a receiver last took an event
             */
            deliveredAt: string | null;
            enabled: boolean;
            failure: {
                error: string;
                failures: number;
                /** Format: date-time */
                nextAttemptAt: string | null;
                /** Format: date-time */
                since: string | null;
            } | null;
            id: string;
            kinds: string[] | null;
            /** @description What signs as well, until then */
            previousSecret: {
                secret: string;
                secretScope: string;
                /** Format: date-time */
                until: string;
            } | null;
            scope: string;
            secret: string;
            secretScope: string;
            /**
             * @description `retrying`: the receiver did not take an event, which is tried again; `paused`: it was tried for long enough, or is gone; `disabled`: by its users, or by a receiver that answered 410
             * @enum {string}
             */
            state: "active" | "retrying" | "paused" | "disabled";
            types: string[];
            /** Format: date-time */
            updatedAt: string;
            url: string;
        };
        SubscriptionAttempts: {
            attempts: {
                /** Format: date-time */
                at: string;
                /** @description Null where it was delivered */
                error: string | null;
                /** Format: uuid */
                eventId: string;
                ms: number;
                /** @description What the receiver answered; null where it did not */
                status: number | null;
                type: string;
            }[];
        };
        SubscriptionPage: {
            nextCursor: string | null;
            subscriptions: components["schemas"]["Subscription"][];
        };
        SubscriptionTest: {
            /** @description Null where it was delivered */
            error: string | null;
            /** Format: uuid */
            eventId: string;
            ms: number;
            /** @description What the receiver answered; null where it did not */
            status: number | null;
            type: string;
        };
        Token: {
            /** Format: date-time */
            createdAt: string;
            /** @description Null: on the manager’s own machine */
            createdBy: string | null;
            /** Format: date-time */
            expiresAt: string;
            /** Format: uuid */
            id: string;
            name: string;
            role: string;
            scope: string;
        };
        Tokens: {
            tokens: components["schemas"]["Token"][];
        };
        TrackedBranch: {
            branch: string;
            /** @description Where it pointed when refs were listed last */
            head: string | null;
            problem: components["schemas"]["Problem"] | null;
            /** @enum {string} */
            state: "current" | "behind" | "refreshing" | "failing" | "gone";
            /** @description The commit that the copy equals */
            synced: string | null;
            /** Format: date-time */
            syncedAt: string | null;
        };
        Tracking: {
            branches: string[];
            connector: string;
            defaultBranch: string | null;
            files: {
                kind: string;
                pattern: string;
            }[];
            followed: components["schemas"]["TrackedBranch"][];
            host: components["schemas"]["HostPatience"];
            /** Format: date-time */
            nextPollAt: string;
            /** Format: date-time */
            polledAt: string | null;
            /** @description Why the last look at the repository failed, or passed over branches */
            problem: components["schemas"]["Problem"] | null;
            renamedTo: components["schemas"]["RenamedTo"] | null;
            rules: {
                /** @default true */
                change: boolean;
                /** @default true */
                create: boolean;
                /** @default true */
                delete: boolean;
                /** @description Default: all */
                kinds?: string[];
                /** @description These, with all below them; default: all */
                scopes?: string[];
            }[];
            scope: string;
            /**
             * @description `losing`: a look found lately what no webhook had told of
             * @enum {string}
             */
            webhook: "none" | "healthy" | "losing";
        };
        TrackingWrite: {
            /**
             * @description Patterns of branches; none: the default branch
             * @default []
             */
            branches: string[];
            /**
             * @description Which files are entities, the first that fits; none: where the kinds put them
             * @default []
             */
            files: {
                /** @description Identifier: [A-Za-z_][A-Za-z0-9_$-]{0,127} */
                kind: string;
                /** @description Path with `*` for part of a name, `**` for any directories, and {id} (once, required), {org}, {project} */
                pattern: string;
            }[];
            /**
             * @description What may be done from the Git side, the first that fits; without one everything may
             * @default []
             */
            rules: {
                /** @default true */
                change: boolean;
                /** @default true */
                create: boolean;
                /** @default true */
                delete: boolean;
                /** @description Default: all */
                kinds?: string[];
                /** @description These, with all below them; default: all */
                scopes?: string[];
            }[];
        };
        Uses: {
            /** @description Of all; more than are listed where there are more than `limit` */
            count: number;
            uses: {
                /** @description Of a webhook: its connector’s */
                id: string;
                scope: string;
                /** @enum {string} */
                what: "connector" | "secret" | "secret-manager" | "subscription" | "webhook" | "identity-provider";
            }[];
        };
        Webhook: {
            connector: string;
            health: {
                /** Format: date-time */
                lastDeliveryAt: string | null;
                /** Format: date-time */
                lastRefusedAt: string | null;
                /** Format: date-time */
                lastVerifiedAt: string | null;
                /** @description Of all time */
                refused: number;
                /**
                 * Format: date-time
                 * @description First of those refused since the last that was verified
                 */
                refusedSince: string | null;
                /** @description Stored, and not processed yet */
                waiting: number;
            };
            /** @description What the URL ends with. It proves nothing */
            path: string;
            /** @enum {string} */
            provider: "github" | "gitlab" | "bitbucket-cloud" | "bitbucket-dc" | "gitea" | "forgejo" | "gogs" | "azure" | "generic";
            /** @description As the host said when it was registered by way of this API */
            registration: {
                active: boolean;
                /** Format: date-time */
                at: string;
                id: string;
                url: string;
            } | null;
            scope: string;
            secrets: {
                /** @description By Sallyport, for this webhook alone */
                made: boolean;
                scope: string;
                secret: string;
            }[];
            /**
             * @description `silent`: nothing was verified yet; `refusing`: the last delivery was refused
             * @enum {string}
             */
            state: "silent" | "working" | "refusing";
            /** @description For the pages of the host */
            toPaste: {
                contentType: string;
                events: string[];
                headers: {
                    [key: string]: string;
                };
                notes: string[];
                secret: {
                    field: string;
                    name: string;
                    /** @description Of one that was just made; never told again */
                    value: string | null;
                };
                url: string;
                where: string;
            };
            /** @description Null unless SALLYPORT_PUBLIC_URL is set */
            url: string | null;
        };
        WebhookDelivery: {
            bodyBytes: number;
            /** @description As the host calls it; null where it was refused */
            deliveryId: string | null;
            /** @description How often the same came again, and was not processed again */
            duplicates: number;
            /** @description In short */
            event: string | null;
            id: string;
            outcome: {
                details: string[];
                /** @enum {string} */
                kind: "acted" | "noted" | "joined" | "ping" | "ignored" | "other-repository" | "malformed" | "resting" | "failed";
            } | null;
            /** Format: date-time */
            processedAt: string | null;
            /** @enum {string} */
            provider: "github" | "gitlab" | "bitbucket-cloud" | "bitbucket-dc" | "gitea" | "forgejo" | "gogs" | "azure" | "generic";
            /** Format: date-time */
            receivedAt: string;
            /** Format: date-time */
            replayedAt: string | null;
            replays: number;
            /** @description Address that it came from */
            source: string;
            /** @enum {string} */
            state: "waiting" | "done" | "refused";
            verified: boolean;
            /** @description Why it was refused */
            why: string | null;
        };
        WebhookDeliveryPage: {
            deliveries: components["schemas"]["WebhookDelivery"][];
            nextCursor: string | null;
        };
        WholeWebhookDelivery: {
            bodyBytes: number;
            /** @description As the host calls it; null where it was refused */
            deliveryId: string | null;
            /** @description How often the same came again, and was not processed again */
            duplicates: number;
            /** @description In short */
            event: string | null;
            /** @description Without those that prove it */
            headers: {
                [key: string]: string;
            };
            id: string;
            outcome: {
                details: string[];
                /** @enum {string} */
                kind: "acted" | "noted" | "joined" | "ping" | "ignored" | "other-repository" | "malformed" | "resting" | "failed";
            } | null;
            /** Format: date-time */
            processedAt: string | null;
            /** @enum {string} */
            provider: "github" | "gitlab" | "bitbucket-cloud" | "bitbucket-dc" | "gitea" | "forgejo" | "gogs" | "azure" | "generic";
            /** Format: date-time */
            receivedAt: string;
            /** Format: date-time */
            replayedAt: string | null;
            replays: number;
            /** @description Address that it came from */
            source: string;
            /** @enum {string} */
            state: "waiting" | "done" | "refused";
            /** @description The event, as it was read; null where it was not */
            told: unknown;
            verified: boolean;
            /** @description Why it was refused */
            why: string | null;
        };
        WrittenSubscription: {
            branches: string[] | null;
            /** Format: date-time */
            createdAt: string;
            /** @description Everything up to here was delivered or not wanted */
            cursor: string;
            /**
             * Format: date-time
             * @description When a receiver last took an event
             */
            deliveredAt: string | null;
            enabled: boolean;
            failure: {
                error: string;
                failures: number;
                /** Format: date-time */
                nextAttemptAt: string | null;
                /** Format: date-time */
                since: string | null;
            } | null;
            id: string;
            kinds: string[] | null;
            /** @description What signs as well, until then */
            previousSecret: {
                secret: string;
                secretScope: string;
                /** Format: date-time */
                until: string;
            } | null;
            scope: string;
            secret: string;
            secretScope: string;
            /** @description Where one was made: shown here and never again */
            signingSecret?: string;
            /**
             * @description `retrying`: the receiver did not take an event, which is tried again; `paused`: it was tried for long enough, or is gone; `disabled`: by its users, or by a receiver that answered 410
             * @enum {string}
             */
            state: "active" | "retrying" | "paused" | "disabled";
            types: string[];
            /** Format: date-time */
            updatedAt: string;
            url: string;
        };
    };
    responses: never;
    parameters: never;
    requestBodies: never;
    headers: never;
    pathItems: never;
}
export type $defs = Record<string, never>;
export type operations = Record<string, never>;
