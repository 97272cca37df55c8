using System.Text.Json.Nodes;

namespace Signet.Agent;

/// <summary>One reading, to be signed and published.</summary>
/// <param name="Name">One word: <c>temperature</c>.</param>
/// <param name="Value">A number, a text, or true/false.</param>
/// <param name="Unit">UCUM where there is one: <c>Cel</c>, <c>%</c>; null for none.</param>
public sealed record Measurement(string Name, JsonNode Value, string? Unit = null);
