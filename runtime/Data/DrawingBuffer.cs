using ChannelDistillation.Core;
using ChannelDistillation.Native;
using static TorchSharp.torch;

namespace ChannelDistillation.Data;

/// <summary>A batch together with the numbers drawn for its images (<see cref="IImageDraw"/>): int32, in reused memory like the images.</summary>
internal sealed unsafe class DrawingBuffer : IBatchBuffer
{
    private readonly IBatchBuffer images;
    private readonly Drawing[] drawings;
    private int epoch;

    /// <param name="images">Disposed with this object.</param>
    /// <param name="draws">Each with the epochs in which it is needed.</param>
    /// <param name="rest">Images in the last batch of an epoch.</param>
    public DrawingBuffer(IBatchBuffer images, IReadOnlyDictionary<IImageDraw, Func<int, bool>> draws, int rest, Device device, CudaStream? queue)
    {
        this.images = images;
        int size = images.Indices.Length;
        drawings = [.. draws.Select(draw => new Drawing(draw.Key, draw.Value, new([size, draw.Key.Width], ScalarType.Int32, device, queue), rest))];
    }

    public int[] Indices => images.Indices;

    private IEnumerable<Drawing> Needed => drawings.Where(drawing => drawing.IsNeeded(epoch));

    public void BeginWrite(int epoch)
    {
        this.epoch = epoch;
        images.BeginWrite(epoch);
        foreach (Drawing drawing in Needed)
            drawing.Rows.BeginWrite();
    }

    public void Write(int row, int index, ref Randomness random)
    {
        images.Write(row, index, ref random);
        foreach (Drawing drawing in Needed)
        {
            int width = drawing.Draw.Width;
            drawing.Draw.Draw(epoch, index, new Span<int>((int*)drawing.Rows.Address + (long)row * width, width));
        }
    }

    public void Send()
    {
        images.Send();
        foreach (Drawing drawing in Needed)
            drawing.Rows.Send();
    }

    public Batch Take(int count)
    {
        foreach (Drawing drawing in Needed)
            drawing.Rows.WaitForCopy();
        return images.Take(count) with
        {
            Draws = Needed.ToDictionary(drawing => drawing.Draw, drawing => count == Indices.Length ? drawing.Rows.OnDevice : drawing.Partial),
        };
    }

    public void Leave()
    {
        images.Leave();
        foreach (Drawing drawing in Needed)
            drawing.Rows.Leave();
    }

    public void Dispose()
    {
        foreach (Drawing drawing in drawings)
        {
            drawing.Partial.Dispose();
            drawing.Rows.Dispose();
        }
        images.Dispose();
    }

    private sealed class Drawing(IImageDraw draw, Func<int, bool> isNeeded, DeviceTransfer rows, int rest)
    {
        public IImageDraw Draw => draw;

        public DeviceTransfer Rows => rows;

        /// <summary>For the last batch of an epoch.</summary>
        public Tensor Partial { get; } = rows.OnDevice.narrow(0, 0, rest).DetachFromDisposeScope();

        public bool IsNeeded(int epoch) => isNeeded(epoch);
    }
}
