import {
  defaultGrpcRetryOptions,
  makeGrpcRetryInterceptor,
  type ConnectionOptions,
} from '@temporalio/client';

type Interceptor = NonNullable<ConnectionOptions['interceptors']>[number];
type Call = ReturnType<Parameters<Interceptor>[1]>;

/** grpc.status.CANCELLED: nobody repeats it. */
const CANCELLED = 1;

/**
 * The library's own retries, for connections that may be closed before a call has ended: it repeats a call from a
 * timer, and what a closed channel throws there ends the process, in the middle of its drain.
 */
export function lateCallsEnd(): Interceptor[] {
  const endWhereClosed: Interceptor = (options, nextCall) => {
    try {
      return nextCall(options) as ReturnType<Interceptor>;
    } catch (error) {
      return endedCall(error instanceof Error ? error.message : String(error)) as ReturnType<Interceptor>;
    }
  };
  return [makeGrpcRetryInterceptor(defaultGrpcRetryOptions()), endWhereClosed];
}

/** A call that ends at once, without an answer. */
function endedCall(details: string): Call {
  const nothing = () => undefined;
  return {
    start(metadata, listener) {
      setImmediate(() => {
        listener?.onReceiveMessage?.(null);
        listener?.onReceiveStatus?.({ code: CANCELLED, details, metadata });
      });
    },
    sendMessage: nothing,
    sendMessageWithContext: nothing,
    startRead: nothing,
    halfClose: nothing,
    cancelWithStatus: nothing,
    getPeer: () => '',
    getAuthContext: () => null,
  };
}
