using System.Runtime.InteropServices;

namespace ChannelDistillation.Data.Photographs;

/// <summary>Memory that a worker keeps and that only grows: pictures of a million sizes leave nothing to the garbage collector.</summary>
internal sealed unsafe class NativeBuffer : IDisposable
{
    private byte* memory;
    private nuint size;

    ~NativeBuffer() => NativeMemory.Free(memory);

    /// <summary>At least `bytes` bytes; their content is undefined, and an earlier pointer is no longer valid.</summary>
    public byte* AtLeast(long bytes)
    {
        if ((nuint)bytes > size)
        {
            NativeMemory.Free(memory);
            memory = null;
            size = 0;
            var larger = (nuint)(bytes + bytes / 4);
            memory = (byte*)NativeMemory.Alloc(larger);
            size = larger;
        }

        return memory;
    }

    public void Dispose()
    {
        NativeMemory.Free(memory);
        memory = null;
        size = 0;
        GC.SuppressFinalize(this);
    }
}
