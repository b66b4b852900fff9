using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using PromptToPrompt.Studio.Api;
using PromptToPrompt.Studio.Engine;

namespace PromptToPrompt.Studio.Tests.Api;

public sealed class ProblemHandlerTests
{
    [Fact]
    public async Task A_studio_that_closes_says_so() => Assert.Equal(503, await Status(new StudioClosedException()));

    [Fact]
    public async Task Something_else_that_is_closed_is_a_fault() => Assert.Equal(500, await Status(new ObjectDisposedException("a stream")));

    private static async Task<int> Status(Exception exception)
    {
        await using var services = new ServiceCollection().AddLogging().AddProblemDetails().BuildServiceProvider();
        var context = new DefaultHttpContext { RequestServices = services };
        await new ProblemHandler(services.GetRequiredService<IProblemDetailsService>(), NullLogger<ProblemHandler>.Instance).TryHandleAsync(context, exception, default);
        return context.Response.StatusCode;
    }
}
