using ChannelDistillation.Native;
using ChannelDistillation.Training;
using TorchSharp;
using static TorchSharp.torch;

namespace ChannelDistillation.Bench;

/// <summary>Occupies the memory of a GPU except for a few gigabytes, as another user's program does, until it is killed or its input ends.</summary>
internal static class MemoryHolder
{
    private const long Gibibyte = 1L << 30;

    /// <param name="left">GiB to leave free.</param>
    /// <returns>The exit code.</returns>
    public static int Run(int left, string wanted)
    {
        var device = new Device(Devices.Choose(wanted));
        // A first tensor creates the process's context, whose memory must not count as free.
        using Tensor first = zeros(1, device: device);
        if (DeviceMemory.Of(device) is not var (free, _))
        {
            Console.Error.WriteLine($"{device} does not report its memory.");
            return 3;
        }
        using Tensor held = empty([Math.Max(1, free - left * Gibibyte)], ScalarType.Byte, device);
        Console.WriteLine($"{held.numel() / Gibibyte} GiB held, {left} GiB left");
        while (Console.ReadLine() is not null) { }
        return 0;
    }
}
