using System.Security.Cryptography;
using Signet.Mqtt;
using Signet.Wire;

namespace Signet.Bench;

/// <summary>A request and its answer, as somebody without signatures would have it.</summary>
internal sealed class PlainRequest : IAsyncDisposable
{
    private readonly byte[] _request, _answer;
    private Signatures? _signatures;
    private (BareRows Log, BareRows States)? _records;
    private Line _line = null!;
    private IAsyncEnumerator<MqttMessage> _answers = null!;

    private PlainRequest(byte[] request, byte[] answer) => (_request, _answer) = (request, answer);

    /// <param name="pki">Null: plain TCP, and as short as such messages are. Else over mutual TLS, with as many bytes as a signed command and its receipt have.</param>
    /// <param name="random">For the authority.</param>
    /// <param name="signatures">The four of a command and its receipt, bare, each at its place: what any program that signs by this platform must do at least. Null: none.</param>
    /// <param name="records">Databases for the four commits of a command, bare rows of one insert each: log and state before it leaves, log and state before its answer counts. Null: none.</param>
    public static async Task<PlainRequest> StartAsync(string? pki, RandomNumberGenerator random, Signatures? signatures = null, (BareRows Log, BareRows States)? records = null)
    {
        var plain = pki is null ? new PlainRequest("""{"cmd":"open","args":{}}"""u8.ToArray(), """{"state":"executed","result":{"open":true}}"""u8.ToArray()) : new PlainRequest(RandomNumberGenerator.GetBytes(700), RandomNumberGenerator.GetBytes(800));
        (plain._signatures, plain._records) = (signatures, records);
        plain._line = await Line.OpenAsync(pki, random);
        plain._answers = plain._line.Center.ReadMessagesAsync().GetAsyncEnumerator();
        _ = plain.AnswerAsync();
        return plain;
    }

    public async Task OnceAsync()
    {
        _signatures?.SignCommand();
        await RecordAsync();
        var sent = _line.Center.PublishAsync(new() { Topic = Topics.Command(Line.Device), Payload = _request, QoS = QoS.AtLeastOnce });
        await _answers.MoveNextAsync();
        _signatures?.VerifyReceipt();
        await RecordAsync();
        await sent;
    }

    private async Task RecordAsync()
    {
        if (_records is not { } records) return;
        await records.Log.WriteHereAsync();
        await records.States.WriteHereAsync();
    }

    private async Task AnswerAsync()
    {
        await foreach (var _ in _line.AtDevice.ReadMessagesAsync())
        {
            _signatures?.VerifyCommandAndSignReceipt();
            await _line.AtDevice.PublishAsync(new() { Topic = Topics.Receipt(Line.Device), Payload = _answer, QoS = QoS.AtLeastOnce });
        }
    }

    public ValueTask DisposeAsync() => _line.DisposeAsync();
}
