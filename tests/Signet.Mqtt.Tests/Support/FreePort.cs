using System.Net;
using System.Net.Sockets;

namespace Signet.Mqtt.Tests.Support;

public static class FreePort
{
    /// <summary>A port that was free a moment ago, for programs that cannot be told to take any.</summary>
    public static int Next()
    {
        using var socket = new TcpListener(IPAddress.Loopback, 0);
        socket.Start();
        return ((IPEndPoint)socket.LocalEndpoint).Port;
    }
}
