// What services of protocols need of grpc-js besides its types: the door to grpc-js is in this room.
export { Metadata, status } from '@grpc/grpc-js';
