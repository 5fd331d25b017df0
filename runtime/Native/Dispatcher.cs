using System.Collections.Concurrent;
using System.Runtime.InteropServices;
using TorchSharp;
using static TorchSharp.torch;

namespace ChannelDistillation.Native;

/// <summary>
/// Calls libtorch operators that TorchSharp does not expose, by name through libtorch's C interface (`aoti_torch_*`, `torch_list_*`).
/// Methods return false if this libtorch lacks the interface or the operator fails; nothing has changed then, and the caller has
/// a fallback.
/// </summary>
internal static unsafe partial class Dispatcher
{
    private const string TorchCpu = "torch_cpu";

    /// <summary>Devices on which something was missing; it is not tried again.</summary>
    private static readonly ConcurrentDictionary<DeviceType, bool> Missing = new();

    private static readonly Lazy<bool> KnowsAddresses = new(() =>
    {
        using Tensor tensor = zeros(1);
        try
        {
            return Address(tensor) != 0;
        }
        catch (Exception error) when (error is EntryPointNotFoundException or DllNotFoundException)
        {
            return false;
        }
    });

    /// <summary>
    /// One step of PyTorch's `torch._fused_sgd_` without dampening, in place: g += weightDecay * p; m = momentum * m + g; p -= rate * (g + momentum * m
    /// with Nesterov, else m).
    /// </summary>
    /// <param name="parameters">Dense tensors, float32; gradients and momenta have their shapes and strides.</param>
    /// <param name="momenta">As many; empty: no momentum.</param>
    public static bool FusedSgd(
        ReadOnlySpan<Tensor> parameters,
        ReadOnlySpan<Tensor> gradients,
        ReadOnlySpan<Tensor> momenta,
        double weightDecay,
        double momentum,
        double rate,
        bool nesterov
    )
    {
        if (parameters.Length == 0)
            return true;
        DeviceType device = parameters[0].device_type;
        if (Missing.ContainsKey(device))
            return false;
        try
        {
            ulong* stack = stackalloc ulong[12];
            stack[0] = List(parameters);
            stack[1] = List(gradients);
            stack[2] = List(momenta);
            stack[3] = BitConverter.DoubleToUInt64Bits(weightDecay);
            stack[4] = BitConverter.DoubleToUInt64Bits(momentum);
            stack[5] = BitConverter.DoubleToUInt64Bits(rate);
            // dampening, nesterov, maximize, is_first_step, grad_scale, found_inf
            stack[6] = BitConverter.DoubleToUInt64Bits(0);
            stack[7] = nesterov ? 1u : 0u;
            (stack[8], stack[9], stack[10], stack[11]) = (0, 0, 0, 0);
            return CallDispatcher("aten::_fused_sgd_", "", stack) == 0 || IsMissing(device);
        }
        catch (Exception error) when (error is EntryPointNotFoundException or DllNotFoundException)
        {
            return IsMissing(device);
        }
    }

    /// <summary>Whether <see cref="FusedSgd"/> works on a device; it is tried once.</summary>
    public static bool HasFusedSgd(Device device)
    {
        using var noGradient = no_grad();
        using var scope = NewDisposeScope();
        Tensor[] number = [zeros(1, device: device)];
        return FusedSgd(number, [zeros(1, device: device)], [zeros(1, device: device)], 0, 0.9, 0, nesterov: false);
    }

    /// <summary>Whether <see cref="Address"/> works.</summary>
    public static bool HasAddresses => KnowsAddresses.Value;

    /// <summary>Address of a tensor's first element, in the memory of its device.</summary>
    public static nint Address(Tensor tensor)
    {
        Check(DataPointer(tensor.Handle, out nint address));
        return address;
    }

    private static bool IsMissing(DeviceType device)
    {
        Missing[device] = true;
        return false;
    }

    /// <summary>A list of new handles to the same tensors; the called operator takes ownership.</summary>
    private static ulong List(ReadOnlySpan<Tensor> tensors)
    {
        Check(NewList((nuint)tensors.Length, out nint list));
        foreach (Tensor tensor in tensors)
        {
            Check(NewHandle(tensor.Handle, out nint handle));
            Check(PushBack(list, (ulong)handle));
        }
        return (ulong)list;
    }

    private static void Check(int error)
    {
        if (error != 0)
            throw new EntryPointNotFoundException("libtorch's C interface refused a tensor.");
    }

    [LibraryImport(TorchCpu, EntryPoint = "aoti_torch_call_dispatcher", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int CallDispatcher(string name, string overload, ulong* stack);

    [LibraryImport(TorchCpu, EntryPoint = "aoti_torch_new_tensor_handle")]
    private static partial int NewHandle(nint tensor, out nint handle);

    [LibraryImport(TorchCpu, EntryPoint = "aoti_torch_get_data_ptr")]
    private static partial int DataPointer(nint tensor, out nint address);

    [LibraryImport(TorchCpu, EntryPoint = "torch_new_list_reserve_size")]
    private static partial int NewList(nuint size, out nint list);

    [LibraryImport(TorchCpu, EntryPoint = "torch_list_push_back")]
    private static partial int PushBack(nint list, ulong value);
}
