using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace Signet.Mqtt.Broker.Transport;

/// <summary>
/// A thread that waits for sockets with epoll(7) and runs what waited for them on itself: from the bytes of one client to the write towards another no second thread is woken.
/// One for each core, made when the first listener needs it, for the life of the process.
/// <para>Why not the platform's: it can do the same only for every socket of the process at once and by an environment variable, which the rest of a larger program (HTTP clients, database
/// drivers) is not made for. Nothing that blocks may run here; the broker's seams are called on it and say so, and those that may take their time are called elsewhere.</para>
/// </summary>
internal sealed partial class Poller
{
    /// <summary>Of sys/epoll.h.</summary>
    private const uint In = 0x1, Out = 0x4, Err = 0x8, HangUp = 0x10, PeerHangUp = 0x2000, EdgeTriggered = 1u << 31;
    private const int ControlAdd = 1, ControlDelete = 2, CloseOnExec = 0x80000, Interrupted = 4, EventsAtOnce = 256, MostPollers = 16;

    /// <summary><c>struct epoll_event</c> is packed on x86-64 only.</summary>
    private static readonly int Stride = RuntimeInformation.ProcessArchitecture is Architecture.X64 ? 12 : 16;
    private static readonly int DataAt = Stride - sizeof(long);
    private static readonly Lazy<Poller[]?> All = new(Start);
    private static int next;

    [ThreadStatic]
    private static Poller? ofThisThread;
    private readonly int epoll;
    private readonly ConcurrentDictionary<long, PolledSocket> sockets = new();
    private readonly Queue<ReadySignal> again = new();
    private long lastKey;

    private Poller(int epoll) => this.epoll = epoll;

    /// <summary>The poller whose thread this is.</summary>
    public static Poller? OfThisThread => ofThisThread;

    /// <summary>False where there is no epoll, or this process may not use it.</summary>
    public static bool IsSupported => All.Value is not null;

    /// <summary>One of the pollers, in turn.</summary>
    public static Poller Next() => All.Value is { } all ? all[(uint)Interlocked.Increment(ref next) % (uint)all.Length] : throw new PlatformNotSupportedException("there is no epoll here");

    /// <summary>Tells <paramref name="waiting"/> of its socket from now on; the key is for <see cref="Remove"/>.</summary>
    public long Add(PolledSocket waiting)
    {
        var key = Interlocked.Increment(ref lastKey);
        sockets[key] = waiting;
        Span<byte> wanted = stackalloc byte[Stride];
        BinaryPrimitives.WriteUInt32LittleEndian(wanted, In | Out | PeerHangUp | EdgeTriggered);
        BinaryPrimitives.WriteInt64LittleEndian(wanted[DataAt..], key);
        if (Control(waiting.Socket, ControlAdd, wanted) == 0) return key;
        sockets.TryRemove(key, out _);
        throw new IOException($"the socket cannot be waited for: {Marshal.GetLastPInvokeErrorMessage()}");
    }

    public void Remove(PolledSocket waiting, long key)
    {
        if (sockets.TryRemove(key, out _)) _ = Control(waiting.Socket, ControlDelete, stackalloc byte[Stride]);
    }

    /// <summary>Called on this thread by somebody who could go on and lets the others have a turn first.</summary>
    public void RunLater(ReadySignal signal) => again.Enqueue(signal);

    private int Control(Socket socket, int operation, ReadOnlySpan<byte> wanted)
    {
        var handle = socket.SafeHandle;
        var held = false;
        try
        {
            handle.DangerousAddRef(ref held);
            return EpollCtl(epoll, operation, (int)handle.DangerousGetHandle(), wanted);
        }
        catch (ObjectDisposedException)
        {
            return 0; // closing took it off the list
        }
        finally
        {
            if (held) handle.DangerousRelease();
        }
    }

    private void Run()
    {
        ofThisThread = this;
        Span<byte> events = new byte[Stride * EventsAtOnce];
        while (true)
        {
            var count = EpollWait(epoll, events, EventsAtOnce, again.Count > 0 ? 0 : -1);
            if (count < 0 && Marshal.GetLastPInvokeError() != Interrupted) Environment.FailFast($"epoll_wait: {Marshal.GetLastPInvokeErrorMessage()}");
            var waitedBefore = again.Count;
            for (var i = 0; i < count; i++)
            {
                var one = events.Slice(i * Stride, Stride);
                if (!sockets.TryGetValue(BinaryPrimitives.ReadInt64LittleEndian(one[DataAt..]), out var socket)) continue; // closed meanwhile
                var flags = BinaryPrimitives.ReadUInt32LittleEndian(one);
                socket.OnEvent((flags & (In | PeerHangUp | HangUp | Err)) != 0, (flags & (Out | HangUp | Err)) != 0, (flags & (PeerHangUp | HangUp | Err)) != 0);
            }

            for (; waitedBefore > 0; waitedBefore--) again.Dequeue().Set(true);
        }
    }

    private static Poller[]? Start()
    {
        if (!OperatingSystem.IsLinux() || !BitConverter.IsLittleEndian) return null;
        var all = new Poller[Math.Min(Environment.ProcessorCount, MostPollers)];
        for (var i = 0; i < all.Length; i++)
        {
            var made = EpollCreate(CloseOnExec);
            if (made < 0) return null;
            all[i] = new Poller(made);
        }

        for (var i = 0; i < all.Length; i++) new Thread(all[i].Run) { IsBackground = true, Name = $"mqtt {i}" }.UnsafeStart();
        return all;
    }

    [LibraryImport("libc", EntryPoint = "epoll_create1", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int EpollCreate(int flags);

    [LibraryImport("libc", EntryPoint = "epoll_ctl", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int EpollCtl(int epoll, int operation, int descriptor, ReadOnlySpan<byte> wanted);

    [LibraryImport("libc", EntryPoint = "epoll_wait", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int EpollWait(int epoll, Span<byte> events, int most, int milliseconds);
}
