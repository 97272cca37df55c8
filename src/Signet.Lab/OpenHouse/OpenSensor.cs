using System.Security.Cryptography;
using System.Text;
using Signet.Mqtt;
using Signet.Mqtt.Client;

namespace Signet.Lab;

/// <summary>The paper's insecure sensor: a plaintext reading every two seconds, QoS 0.</summary>
public sealed class OpenSensor(LabLog log, TimeProvider time, RandomNumberGenerator random)
{
    private int _counter;

    /// <summary>The next reading, as the paper's <c>json.dumps</c> writes it.</summary>
    public byte[] Next()
    {
        var reading = SensorReading.Of(PaperNames.SensorId, time.GetUtcNow());
        // The paper's order: counter before temperature, message id last.
        reading.Remove("temperature");
        reading.Remove("status");
        reading["counter"] = ++_counter;
        reading["temperature"] = 22.5;
        reading["status"] = "active";
        var id = PaperCrypto.MessageId(random);
        reading["msg_id"] = id;
        var payload = Encoding.UTF8.GetBytes(PythonJson.Write(reading));
        log.Info("Published plaintext message", new()
        {
            ["topic"] = PaperNames.OpenTopic, ["counter"] = _counter, ["msg_id"] = id, ["payload_size"] = payload.Length, ["event"] = "door_open",
        });
        if (_counter == 1) log.Warning("INSECURE MODE: Messages are sent in plaintext!", new() { ["security_level"] = "NONE" });
        return payload;
    }

    /// <summary>Publishes until cancelled.</summary>
    public async Task RunAsync(string host, int port, TimeSpan every, CancellationToken cancellationToken)
    {
        log.Info("Starting insecure sensor", new() { ["broker"] = host, ["port"] = port, ["topic"] = PaperNames.OpenTopic, ["mode"] = "INSECURE" });
        try
        {
            await using var client = await MqttClient.ConnectAsync(OpenHouse.ClientOptions(host, port, PaperNames.OpenSensor), cancellationToken);
            using var beat = new PeriodicTimer(every, time);
            do await client.PublishAsync(new() { Topic = PaperNames.OpenTopic, Payload = Next() }, cancellationToken);
            while (await beat.WaitForNextTickAsync(cancellationToken));
        }
        catch (OperationCanceledException)
        {
            log.Info("Sensor stopped by user", new() { ["total_messages"] = _counter });
        }
        catch (MqttException e)
        {
            log.Error("Sensor error: " + e.Message, new() { ["error"] = e.Message, ["counter"] = _counter });
        }
        finally
        {
            log.Info("Sensor shutdown complete");
        }
    }
}
