/**
 * The gateway's OpenAPI document as types, and as a table of its calls. Written by `npm run sdk:types`;
 * a test holds it to the document. Calls of earlier days are left out.
 */

export interface components {
    schemas: {
        PaymentResult: {
            Body: {
                stkCallback: {
                    MerchantRequestID: string;
                    CheckoutRequestID: string;
                    /** @description 0 alone means paid. A number; a transaction's result_code is a string */
                    ResultCode: number;
                    ResultDesc: string;
                    /** @description Only where it was paid */
                    CallbackMetadata?: {
                        Item: ({
                            /** @constant */
                            Name: "Amount";
                            Value: number;
                        } | {
                            /** @constant */
                            Name: "MpesaReceiptNumber";
                            Value: string;
                        } | {
                            /** @constant */
                            Name: "TransactionDate";
                            Value: number;
                        } | {
                            /** @constant */
                            Name: "PhoneNumber";
                            Value: number;
                        })[];
                    };
                };
            };
        };
        Transaction: {
            id: string;
            checkout_request_id: string;
            merchant_request_id: string | null;
            phone: string;
            amount: number;
            account_reference: string;
            description: string;
            /** @enum {string} */
            status: "pending" | "completed" | "failed";
            /** @description M-Pesa's, as a string (a webhook's ResultCode is a number); null while pending */
            result_code: string | null;
            result_desc: string | null;
            mpesa_receipt: string | null;
            destination: components["schemas"]["Destination"];
            payout: components["schemas"]["PayoutSummary"] | null;
            metadata: {
                [key: string]: string;
            } | null;
            /**
             * @description East Africa Time
             * @example 2025-06-03 14:22:11
             */
            created_at: string;
            completed_at: string | null;
        };
        Destination: {
            /** @constant */
            method: "wallet";
        } | {
            /** @constant */
            method: "phone";
            phone: string;
        } | {
            /** @constant */
            method: "paybill";
            paybill_number: string;
            account_number: string;
        } | {
            /** @constant */
            method: "till";
            till_number: string;
        } | {
            /** @constant */
            method: "bankpaybill";
            bank_code: string;
            bank_account: string;
        };
        PayoutSummary: {
            /** @enum {string} */
            status: "queued" | "sent" | "paid" | "failed";
            amount: number;
            receipt: string | null;
            /** @description Why it waits, failed, or stays in the wallet */
            reason: string | null;
        };
        Error: {
            /** @constant */
            success: false;
            error_code: components["schemas"]["ErrorCode"];
            message: string;
            /** @description Quote it to support */
            request_id: string;
            /** @description Which fields are at fault */
            errors?: {
                field: string;
                message: string;
            }[];
        };
        /** @enum {string} */
        ErrorCode: "MISSING_AUTH" | "INVALID_API_KEY" | "KEY_SUSPENDED" | "KEY_INACTIVE" | "LIMIT_REACHED" | "MISSING_FIELDS" | "INVALID_PHONE" | "INVALID_AMOUNT" | "DUPLICATE_NAME" | "CANNOT_DELETE_DEFAULT" | "IP_RATE_LIMIT" | "RATE_LIMIT_MINUTE" | "RATE_LIMIT_DAY" | "PHONE_RATE_LIMIT" | "FRAUD_BLOCK_FAILURE_RATE" | "FRAUD_BLOCK_PHONE_DIVERSITY" | "FRAUD_BLOCK_BURST" | "FRAUD_BLOCK_CANCEL_RATE" | "PAYMENT_FAILURE" | "NOT_FOUND" | "INVALID_JSON" | "INVALID_FIELD" | "PAYLOAD_TOO_LARGE" | "INVALID_DESTINATION" | "INVALID_CALLBACK_URL" | "TOO_MANY_KEYS" | "IDEMPOTENCY_KEY_REUSED" | "IDEMPOTENCY_IN_PROGRESS" | "INSUFFICIENT_SMS_CREDITS" | "INSUFFICIENT_BALANCE" | "FORBIDDEN_SCOPE" | "TOO_MANY_TRIES" | "CROSS_SITE_REQUEST" | "ERASURE_REFUSED" | "LEDGER_BROKEN" | "RULING_CONFLICT" | "INTERNAL_ERROR" | "SERVICE_UNAVAILABLE";
        Problem: {
            /** @constant */
            success: false;
            error_code: components["schemas"]["ErrorCode"];
            message: string;
            /** @description Quote it to support */
            request_id: string;
            /** @description Which fields are at fault */
            errors?: {
                field: string;
                message: string;
            }[];
            /** @description The page that explains the code */
            type: string;
            title: string;
            status: number;
            detail: string;
            instance: string;
            error?: string;
        };
        Key: {
            id: number;
            name: string;
            is_default: boolean;
            /** @description Whether a subscription runs */
            active: boolean;
            /** @description Calls that are left of the plan */
            limit: number;
            fraud_suspended: boolean;
            destination: components["schemas"]["Destination"];
            callbackurl: string;
            notify_email: string;
            notify_phone: string | "";
            /**
             * @description East Africa Time
             * @example 2025-06-03 14:22:11
             */
            created_at: string;
            last_used_at: string | null;
        };
        NewKey: {
            id: number;
            name: string;
            is_default: boolean;
            /** @description Whether a subscription runs */
            active: boolean;
            /** @description Calls that are left of the plan */
            limit: number;
            /** @description Shown in this answer alone */
            api_key: string;
            destination: components["schemas"]["Destination"];
            callbackurl: string;
            /**
             * @description East Africa Time
             * @example 2025-06-03 14:22:11
             */
            created_at: string;
        };
        KeyWithHint: {
            id: number;
            name: string;
            is_default: boolean;
            /** @description Whether a subscription runs */
            active: boolean;
            /** @description Calls that are left of the plan */
            limit: number;
            fraud_suspended: boolean;
            destination: components["schemas"]["Destination"];
            callbackurl: string;
            notify_email: string;
            notify_phone: string | "";
            /**
             * @description East Africa Time
             * @example 2025-06-03 14:22:11
             */
            created_at: string;
            last_used_at: string | null;
            api_key_hint: string;
        };
        SmsSent: {
            transaction_id: string;
            mobile: string;
            sms_parts: number;
            characters: number;
            cost: number;
            /** @enum {string} */
            encoding: "GSM-7" | "UCS-2";
            remaining_balance: number;
        };
        SmsBulkSent: {
            messages: {
                transaction_id: string;
                mobile: string;
                sms_parts: number;
                characters: number;
                cost: number;
                /** @enum {string} */
                encoding: "GSM-7" | "UCS-2";
            }[];
            rejected: {
                phone: string;
                /** @constant */
                error_code: "INVALID_PHONE";
                message: string;
            }[];
            cost: number;
            remaining_balance: number;
        };
        SmsError: {
            /** @constant */
            success: false;
            error_code: components["schemas"]["ErrorCode"];
            message: string;
            /** @description Quote it to support */
            request_id: string;
            /** @description Which fields are at fault */
            errors?: {
                field: string;
                message: string;
            }[];
            /** @constant */
            status: "error";
        };
        SmsMessage: {
            transaction_id: string;
            mobile: string;
            sms_parts: number;
            characters: number;
            cost: number;
            /** @enum {string} */
            encoding: "GSM-7" | "UCS-2";
            /** @enum {string} */
            status: "queued" | "sent" | "delivered" | "failed";
            failure_reason: string | null;
            /**
             * @description East Africa Time
             * @example 2025-06-03 14:22:11
             */
            created_at: string;
            sent_at: string | null;
        };
        Payout: {
            id: string;
            /** @description Null for a withdrawal */
            transaction_id: string | null;
            destination: components["schemas"]["Destination"];
            /** @enum {string} */
            status: "queued" | "sent" | "paid" | "failed";
            amount: number;
            receipt: string | null;
            /** @description Why it waits, failed, or stays in the wallet */
            reason: string | null;
            fee: number;
            /**
             * @description East Africa Time
             * @example 2025-06-03 14:22:11
             */
            created_at: string;
            finished_at: string | null;
        };
        Withdrawal: {
            id: string;
            /** @enum {string} */
            status: "queued" | "sent" | "paid" | "failed";
            amount: number;
            receipt: string | null;
            /** @description Why it waits, failed, or stays in the wallet */
            reason: string | null;
            fee: number;
            /**
             * @description East Africa Time
             * @example 2025-06-03 14:22:11
             */
            created_at: string;
            finished_at: string | null;
            phone: string | null;
        };
        Statement: {
            /**
             * Format: date
             * @description In East Africa
             */
            day: string;
            account_number: string;
            /** @description What M-Pesa reported of customers' payments, and what was credited to you */
            payments: {
                mpesa: {
                    count: number;
                    amount: number;
                };
                ledger: {
                    count: number;
                    amount: number;
                };
            };
            /** @description What was paid out, withdrawals among it */
            payouts: {
                count: number;
                amount: number;
                fees: number;
            };
            differences: components["schemas"]["StatementDifference"][];
        };
        StatementDifference: {
            /**
             * @description `not_in_ledger`: M-Pesa reports a payment that is not in your books. `not_in_mpesa`: the reverse. `other_amount`: both have it, with different amounts.
             * @enum {string}
             */
            kind: "not_in_ledger" | "not_in_mpesa" | "other_amount";
            receipt: string | null;
            transaction_id: string | null;
            mpesa_amount: number | null;
            ledger_amount: number | null;
        };
        Plan: {
            /** @enum {string} */
            name: "Trial" | "Starter" | "Professional" | "Business";
            /** @description Whole shillings */
            price: number;
            calls: number;
            days: number;
        };
        Delivery: {
            /** @description The `webhook-id` of every attempt */
            id: string;
            /** @description Null for a test event */
            transaction_id: string | null;
            url: string;
            /** @enum {string} */
            status: "pending" | "delivered" | "failed";
            /** @description The last 20, oldest first */
            attempts: {
                /**
                 * @description East Africa Time
                 * @example 2025-06-03 14:22:11
                 */
                at: string;
                /** @description Your server's; null where no answer came */
                status: number | null;
                duration_ms: number;
                /** @description The first 2,000 characters of your server's answer */
                response: string;
                error: string | null;
            }[];
            next_attempt_at: string | null;
            /**
             * @description East Africa Time
             * @example 2025-06-03 14:22:11
             */
            created_at: string;
            delivered_at: string | null;
            body: components["schemas"]["PaymentResult"];
        };
        OlderError: {
            /** @constant */
            success: false;
            error_code: components["schemas"]["ErrorCode"];
            message: string;
            /** @description Quote it to support */
            request_id: string;
            /** @description Which fields are at fault */
            errors?: {
                field: string;
                message: string;
            }[];
            /** @description The message again */
            error: string;
        };
    };
    responses: never;
    parameters: {
        /**
         * @description 1 to 255 visible ASCII characters, your own for each thing you want done once. Kept for 72 hours.
         * @example order-101
         */
        IdempotencyKey: string;
        /**
         * @description 1 to 255 visible ASCII characters, your own for each thing you want done once. Kept for 72 hours.
         * @example order-101
         */
        IdempotencyKeyRequired: string;
        /**
         * @description `wait=N`: wait up to N seconds, at most 55, for the customer to finish.
         * @example wait=30
         */
        Prefer: string;
    };
    requestBodies: never;
    headers: never;
    pathItems: never;
}
export interface operations {
    stkPush: {
        parameters: {
            query?: never;
            header?: {
                /**
                 * @description 1 to 255 visible ASCII characters, your own for each thing you want done once. Kept for 72 hours.
                 * @example order-101
                 */
                "Idempotency-Key"?: components["parameters"]["IdempotencyKey"];
                /**
                 * @description `wait=N`: wait up to N seconds, at most 55, for the customer to finish.
                 * @example wait=30
                 */
                Prefer?: components["parameters"]["Prefer"];
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    /** @description 2547XXXXXXXX, 2541XXXXXXXX, 07XXXXXXXX or 01XXXXXXXX */
                    phone: string | number;
                    /** @description Whole shillings */
                    amount: number | string;
                    /** @description Shown on the prompt, which takes 12 characters of it; no control characters or line breaks; SMARTPAY by default */
                    account_reference?: string | null;
                    /** @description M-Pesa takes 13 characters of it; no control characters or line breaks; "SmartPay Payment" by default */
                    description?: string | null;
                    /** @description Where this payment's result is sent; wins over the key's callback URL. */
                    callback_url?: string | null;
                    /** @description Up to 20 texts of your own, given back with the transaction. */
                    metadata?: {
                        [key: string]: string;
                    } | null;
                };
            };
        };
        responses: {
            /** @description The prompt was sent. With `Prefer: wait=N`, `transaction` is there once it is final. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @constant */
                        success: true;
                        message: string;
                        /** @description Save it: it matches webhooks and finds the transaction */
                        checkout_request_id: string;
                        merchant_request_id: string | null;
                        transaction_id: string;
                        transaction?: components["schemas"]["Transaction"];
                    };
                };
            };
            /** @description M-Pesa has not confirmed it yet. Do not send it again: its result comes to the callback URL. */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @constant */
                        success: true;
                        message: string;
                        /** @description Save it: it matches webhooks and finds the transaction */
                        checkout_request_id: string;
                        merchant_request_id: string | null;
                        transaction_id: string;
                    };
                };
            };
        };
    };
    listTransactions: {
        parameters: {
            query?: {
                /** @description Records per page, 1 to 100 */
                limit?: number;
                /** @description Skip so many records; for deep pages use cursor */
                offset?: number;
                /** @description The next_cursor of the page before; not with offset */
                cursor?: string;
                status?: "pending" | "completed" | "failed";
                /** @description Of this account alone */
                key_id?: string;
                phone?: string | number;
                /** @description The whole account_reference */
                reference?: string;
                receipt?: string;
                /** @description Begun at or after this date or time, East Africa Time */
                from?: string;
                /** @description Begun up to the end of this date, minute or second, East Africa Time */
                to?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @constant */
                        success: true;
                        transactions: components["schemas"]["Transaction"][];
                        count: number;
                        /** @description Null with filters other than status */
                        total: number | null;
                        limit: number;
                        offset: number;
                        has_more: boolean;
                        next_cursor: string | null;
                    };
                };
            };
        };
    };
    getTransaction: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Its checkout_request_id or its id */
                ref: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @constant */
                        success: true;
                        transaction: components["schemas"]["Transaction"];
                    };
                };
            };
        };
    };
    listKeys: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @constant */
                        success: true;
                        accounts: components["schemas"]["Key"][];
                        count: number;
                    };
                };
            };
        };
    };
    createKey: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    /** @description Unique among your accounts, in whatever case; 1 to 80 characters */
                    name: string;
                    /** @description `payments`: may push, send SMS, and read what it did itself, the plans and the SMS balance; nothing else. `full` by default */
                    scope?: ("full" | "payments") | null;
                };
            };
        };
        responses: {
            /** @description Created. */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @constant */
                        success: true;
                        message: string;
                        account: components["schemas"]["NewKey"];
                    };
                };
            };
        };
    };
    getKey: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The account's id */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @constant */
                        success: true;
                        account: components["schemas"]["KeyWithHint"];
                    };
                };
            };
        };
    };
    deleteKey: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The account's id */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @constant */
                        success: true;
                        message: string;
                    };
                };
            };
        };
    };
    setDefaultKey: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The account's id */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @constant */
                        success: true;
                        message: string;
                        account: components["schemas"]["Key"];
                    };
                };
            };
        };
    };
    regenerateKey: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The account's id */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @constant */
                        success: true;
                        message: string;
                        account: components["schemas"]["NewKey"];
                    };
                };
            };
        };
    };
    getDestination: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The account's id */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @constant */
                        success: true;
                        destination: components["schemas"]["Destination"];
                        callbackurl: string;
                    };
                };
            };
        };
    };
    setDestination: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The account's id */
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    /** @constant */
                    method: "wallet";
                    /** @description Where results are told; absent leaves it as it is, empty clears it */
                    callbackurl?: string | null;
                } | {
                    /** @constant */
                    method: "phone";
                    /**
                     * @description An M-Pesa number
                     * @example 254712345678
                     */
                    phone: string | number;
                    /** @description Where results are told; absent leaves it as it is, empty clears it */
                    callbackurl?: string | null;
                } | {
                    /** @constant */
                    method: "paybill";
                    paybill_number: string;
                    account_number: string;
                    /** @description Where results are told; absent leaves it as it is, empty clears it */
                    callbackurl?: string | null;
                } | {
                    /** @constant */
                    method: "till";
                    till_number: string;
                    /** @description Where results are told; absent leaves it as it is, empty clears it */
                    callbackurl?: string | null;
                } | {
                    /** @constant */
                    method: "bankpaybill";
                    bank_code: string;
                    bank_account: string;
                    /** @description Where results are told; absent leaves it as it is, empty clears it */
                    callbackurl?: string | null;
                };
            };
        };
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @constant */
                        success: true;
                        message: string;
                        destination: components["schemas"]["Destination"];
                        callbackurl: string;
                    };
                };
            };
        };
    };
    setNotifications: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The account's id */
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    /** @description Told of every completed payment by email; empty disables */
                    notify_email?: string | null;
                    /** @description Told by SMS, for a credit each; empty disables */
                    notify_phone?: ((string | unknown | null) | (number | unknown | null) | null) | unknown | null;
                };
            };
        };
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @constant */
                        success: true;
                        message: string;
                        notify_email: string;
                        notify_phone: string | "";
                    };
                };
            };
        };
    };
    getWebhookSecret: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The account's id */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @constant */
                        success: true;
                        webhook_secret: string;
                        /** @description Until when the secret before signs too; null where it does not */
                        previous_valid_until: string | null;
                    };
                };
            };
        };
    };
    rotateWebhookSecret: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The account's id */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @constant */
                        success: true;
                        message: string;
                        webhook_secret: string;
                        /** @description Until when the secret before signs too; null where it does not */
                        previous_valid_until: string | null;
                    };
                };
            };
        };
    };
    sendSms: {
        parameters: {
            query?: never;
            header?: {
                /**
                 * @description 1 to 255 visible ASCII characters, your own for each thing you want done once. Kept for 72 hours.
                 * @example order-101
                 */
                "Idempotency-Key"?: components["parameters"]["IdempotencyKey"];
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    /** @description A number, or up to 100: an array, or a text with commas or line breaks between; one that is named twice is sent to once. Use 2547XXXXXXXX, 2541XXXXXXXX, 07XXXXXXXX or 01XXXXXXXX. */
                    phone: string | number | (string | number)[];
                    /** @description The text, of 1 to 640 characters (Unicode code points). Each begun 160 cost a credit. */
                    message: string;
                };
            };
        };
        responses: {
            /** @description One object for one number, `messages` for a list. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @constant */
                        success: true;
                        /** @constant */
                        status: "success";
                        data: components["schemas"]["SmsSent"] | components["schemas"]["SmsBulkSent"];
                    };
                };
            };
        };
    };
    smsBalance: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @constant */
                        success: true;
                        /** @constant */
                        status: "success";
                        data: {
                            balance: number;
                        };
                    };
                };
            };
        };
    };
    getSms: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Its transaction_id */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @constant */
                        success: true;
                        /** @constant */
                        status: "success";
                        data: components["schemas"]["SmsMessage"];
                    };
                };
            };
        };
    };
    getAccount: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @constant */
                        success: true;
                        account: {
                            account_number: string;
                            fullname: string;
                            verified: boolean;
                            /** @description Whole shillings */
                            wallet_balance: number;
                            sms_balance: number;
                        };
                        active_key: {
                            id: number;
                            name: string;
                            plan: string | null;
                            limit_remaining: number;
                            fraud_suspended: boolean;
                        };
                        subscription: {
                            plan: string | null;
                            /** @enum {string} */
                            status: "none" | "active" | "expired";
                            expires_at: string | null;
                            api_calls: number;
                        };
                        transaction_stats: {
                            total: number;
                            completed: number;
                            pending: number;
                            failed: number;
                        };
                    };
                };
            };
        };
    };
    listPayouts: {
        parameters: {
            query?: {
                /** @description Records per page, 1 to 100 */
                limit?: number;
                /** @description The next_cursor of the page before */
                cursor?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @constant */
                        success: true;
                        payouts: components["schemas"]["Payout"][];
                        count: number;
                        has_more: boolean;
                        next_cursor: string | null;
                    };
                };
            };
        };
    };
    withdraw: {
        parameters: {
            query?: never;
            header: {
                /**
                 * @description 1 to 255 visible ASCII characters, your own for each thing you want done once. Kept for 72 hours.
                 * @example order-101
                 */
                "Idempotency-Key": components["parameters"]["IdempotencyKeyRequired"];
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    /** @description Whole shillings */
                    amount: number | string;
                    /** @description One of your verified phones */
                    phone: string | number;
                };
            };
        };
        responses: {
            /** @description Accepted. */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @constant */
                        success: true;
                        message: string;
                        withdrawal: components["schemas"]["Withdrawal"];
                    };
                };
            };
        };
    };
    getWithdrawal: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The withdrawal's id */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @constant */
                        success: true;
                        withdrawal: components["schemas"]["Withdrawal"];
                    };
                };
            };
        };
    };
    listStatements: {
        parameters: {
            query?: {
                /** @description Days per page, 1 to 100 */
                limit?: number;
                /** @description The next_cursor of the page before */
                cursor?: string;
                /** @description The first day, in East Africa */
                from?: string;
                /** @description The last day, in East Africa */
                to?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @constant */
                        success: true;
                        statements: components["schemas"]["Statement"][];
                        count: number;
                        has_more: boolean;
                        next_cursor: string | null;
                    };
                };
            };
        };
    };
    getStatement: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description A date, such as 2026-11-24 */
                day: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @constant */
                        success: true;
                        statement: components["schemas"]["Statement"];
                    };
                };
            };
        };
    };
    listPlans: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @constant */
                        success: true;
                        plans: components["schemas"]["Plan"][];
                        count: number;
                    };
                };
            };
        };
    };
    buyPlan: {
        parameters: {
            query?: never;
            header?: {
                /**
                 * @description 1 to 255 visible ASCII characters, your own for each thing you want done once. Kept for 72 hours.
                 * @example order-101
                 */
                "Idempotency-Key"?: components["parameters"]["IdempotencyKey"];
            };
            path: {
                /** @description The account's id */
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    /** @enum {string} */
                    plan: "Trial" | "Starter" | "Professional" | "Business";
                    phone?: (string | number) | null;
                };
            };
        };
        responses: {
            /** @description The prompt was sent, or the trial was moved. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @constant */
                        success: true;
                        message: string;
                        /** @description Save it: it matches webhooks and finds the transaction */
                        checkout_request_id: string;
                        merchant_request_id: string | null;
                        transaction_id: string;
                    } | {
                        /** @constant */
                        success: true;
                        message: string;
                    };
                };
            };
            /** @description M-Pesa has not confirmed it yet. Do not send it again. */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @constant */
                        success: true;
                        message: string;
                        /** @description Save it: it matches webhooks and finds the transaction */
                        checkout_request_id: string;
                        merchant_request_id: string | null;
                        transaction_id: string;
                    };
                };
            };
        };
    };
    buySmsCredits: {
        parameters: {
            query?: never;
            header?: {
                /**
                 * @description 1 to 255 visible ASCII characters, your own for each thing you want done once. Kept for 72 hours.
                 * @example order-101
                 */
                "Idempotency-Key"?: components["parameters"]["IdempotencyKey"];
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    credits: number;
                    /** @description 2547XXXXXXXX, 2541XXXXXXXX, 07XXXXXXXX or 01XXXXXXXX */
                    phone: string | number;
                };
            };
        };
        responses: {
            /** @description The prompt was sent. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @constant */
                        success: true;
                        message: string;
                        /** @description Save it: it matches webhooks and finds the transaction */
                        checkout_request_id: string;
                        merchant_request_id: string | null;
                        transaction_id: string;
                        /** @constant */
                        status: "success";
                    };
                };
            };
            /** @description M-Pesa has not confirmed it yet. Do not send it again. */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @constant */
                        success: true;
                        message: string;
                        /** @description Save it: it matches webhooks and finds the transaction */
                        checkout_request_id: string;
                        merchant_request_id: string | null;
                        transaction_id: string;
                        /** @constant */
                        status: "success";
                    };
                };
            };
        };
    };
    listWebhooks: {
        parameters: {
            query?: {
                status?: "pending" | "delivered" | "failed";
                /** @description Records per page, 1 to 100 */
                limit?: number;
                cursor?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @constant */
                        success: true;
                        webhooks: components["schemas"]["Delivery"][];
                        count: number;
                        has_more: boolean;
                        next_cursor: string | null;
                    };
                };
            };
        };
    };
    getWebhook: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The delivery's id */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @constant */
                        success: true;
                        webhook: components["schemas"]["Delivery"];
                    };
                };
            };
        };
    };
    replayFailedWebhooks: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    /** @constant */
                    status: "failed";
                    /** @description Of the results that came at or after this time */
                    since: string;
                    cursor?: string | null;
                };
            };
        };
        responses: {
            /** @description Under way. */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @constant */
                        success: true;
                        message: string;
                        replayed: number;
                        has_more: boolean;
                        next_cursor: string | null;
                    };
                };
            };
        };
    };
    replayWebhook: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The delivery's id */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Under way. */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @constant */
                        success: true;
                        message: string;
                        webhook: components["schemas"]["Delivery"];
                    };
                };
            };
        };
    };
    testWebhook: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The account's id */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Under way. */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @constant */
                        success: true;
                        message: string;
                        webhook: components["schemas"]["Delivery"];
                    };
                };
            };
        };
    };
    ping: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @constant */
                        success: true;
                        /** @constant */
                        message: "pong";
                        /** @enum {string} */
                        environment: "local" | "sandbox" | "production";
                    };
                };
            };
        };
    };
}
export const CALLS = {
    stkPush: {"method":"POST","path":"/v1/stk/push","takesIdempotencyKey":true},
    listTransactions: {"method":"GET","path":"/v1/transactions","takesIdempotencyKey":false},
    getTransaction: {"method":"GET","path":"/v1/transactions/{ref}","takesIdempotencyKey":false},
    listKeys: {"method":"GET","path":"/v1/keys","takesIdempotencyKey":false},
    createKey: {"method":"POST","path":"/v1/keys","takesIdempotencyKey":false},
    getKey: {"method":"GET","path":"/v1/keys/{id}","takesIdempotencyKey":false},
    deleteKey: {"method":"DELETE","path":"/v1/keys/{id}","takesIdempotencyKey":false},
    setDefaultKey: {"method":"POST","path":"/v1/keys/{id}/set-default","takesIdempotencyKey":false},
    regenerateKey: {"method":"POST","path":"/v1/keys/{id}/regenerate","takesIdempotencyKey":false},
    getDestination: {"method":"GET","path":"/v1/keys/{id}/destination","takesIdempotencyKey":false},
    setDestination: {"method":"PUT","path":"/v1/keys/{id}/destination","takesIdempotencyKey":false},
    setNotifications: {"method":"PUT","path":"/v1/keys/{id}/notifications","takesIdempotencyKey":false},
    getWebhookSecret: {"method":"GET","path":"/v1/keys/{id}/webhook-secret","takesIdempotencyKey":false},
    rotateWebhookSecret: {"method":"POST","path":"/v1/keys/{id}/webhook-secret","takesIdempotencyKey":false},
    sendSms: {"method":"POST","path":"/v1/sms/","takesIdempotencyKey":true},
    smsBalance: {"method":"GET","path":"/v1/sms/balance","takesIdempotencyKey":false},
    getSms: {"method":"GET","path":"/v1/sms/{id}","takesIdempotencyKey":false},
    getAccount: {"method":"GET","path":"/v1/account","takesIdempotencyKey":false},
    listPayouts: {"method":"GET","path":"/v1/payouts","takesIdempotencyKey":false},
    withdraw: {"method":"POST","path":"/v1/account/withdrawals","takesIdempotencyKey":true},
    getWithdrawal: {"method":"GET","path":"/v1/account/withdrawals/{id}","takesIdempotencyKey":false},
    listStatements: {"method":"GET","path":"/v1/statements","takesIdempotencyKey":false},
    getStatement: {"method":"GET","path":"/v1/statements/{day}","takesIdempotencyKey":false},
    listPlans: {"method":"GET","path":"/v1/plans","takesIdempotencyKey":false},
    buyPlan: {"method":"POST","path":"/v1/keys/{id}/subscription","takesIdempotencyKey":true},
    buySmsCredits: {"method":"POST","path":"/v1/sms/credits","takesIdempotencyKey":true},
    listWebhooks: {"method":"GET","path":"/v1/webhooks","takesIdempotencyKey":false},
    getWebhook: {"method":"GET","path":"/v1/webhooks/{id}","takesIdempotencyKey":false},
    replayFailedWebhooks: {"method":"POST","path":"/v1/webhooks/replay","takesIdempotencyKey":false},
    replayWebhook: {"method":"POST","path":"/v1/webhooks/{id}/replay","takesIdempotencyKey":false},
    testWebhook: {"method":"POST","path":"/v1/keys/{id}/test-webhook","takesIdempotencyKey":false},
    ping: {"method":"GET","path":"/v1/ping","takesIdempotencyKey":false},
} as const;
