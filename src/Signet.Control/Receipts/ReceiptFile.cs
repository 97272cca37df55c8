namespace Signet.Control;

/// <summary>The proof of one command: canonical JSON, docs/spec/receipt-file.md.</summary>
/// <param name="Id">Of the command.</param>
/// <param name="Json">The file's exact bytes.</param>
public sealed record ReceiptFile(string Id, ReadOnlyMemory<byte> Json);

/// <summary>What a verifier found in a receipt file.</summary>
/// <param name="Valid">Every check passed.</param>
/// <param name="Problem">The first check that failed, in one line; "" when none did.</param>
/// <param name="Checks">What was checked, in order, the failed one last.</param>
/// <param name="Summary">Who asked which device to do what, and what came of it; null when it could not be read.</param>
public sealed record ReceiptVerdict(bool Valid, string Problem, IReadOnlyList<string> Checks, ReceiptSummary? Summary);

public sealed record ReceiptSummary(string Id, string Device, string Command, string By, string State, string Reason, DateTimeOffset IssuedAt, DateTimeOffset AnsweredAt);
