// What the types of monitors are called where only their name is known: the daemon's own words come with GET /types.

const NAMES: Record<string, string> = {
  command: "Command",
  docker: "Docker",
  domain: "Domain",
  grpc: "gRPC",
  heartbeat: "Heartbeat",
  icmp: "Ping",
  websocket: "WebSocket",
};

/** `HTTP`, `WebSocket`. */
export function typeName(type: string): string {
  return NAMES[type] ?? type.toUpperCase();
}
